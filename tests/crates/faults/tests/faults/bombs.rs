//! Bodies that are small as they come, and would be gigabytes.

use bytes::Bytes;
use lapin::BasicProperties;
use swit::Compression;
use swit_faults::{Conduct, Work, rig::HEALING};
use swit_testbed::Broker;

use crate::{
    ground::{Foreign, header, until},
    rig,
};

const GIB: u64 = 1 << 30;
/// More than a handler needs for bodies at their limits, and less than any of the bombs would take.
const MOST_KIB: u64 = 128 * 1024;

const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// A window of 128 KiB.
const WINDOW: u8 = 0x38;
const BLOCK: u64 = 128 * 1024;

/// A frame of RFC 8878 whose blocks say that one byte stands there 131,072 times, until it is 10 GiB.
fn zstd_of_ten_gib() -> Vec<u8> {
    let mut frame = [&MAGIC[..], &[0x00, WINDOW]].concat();
    let blocks = 10 * GIB / BLOCK;
    for block in 1..=blocks {
        // The last bit, two bits for the kind (run-length), 21 bits for the size.
        let head = u32::from(block == blocks) | 1 << 1 | 1 << 17 << 3;
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

/// A frame that says that it is 10 GiB, and holds one byte.
fn zstd_that_claims() -> Vec<u8> {
    let size = (10 * GIB).to_le_bytes();
    [&MAGIC[..], &[0xC0, WINDOW], &size, &[0x09, 0x00, 0x00], b"x"].concat()
}

/// A frame that wants a window of 2 GiB.
fn zstd_of_a_large_window() -> Vec<u8> {
    [&MAGIC[..], &[0x00, 21 << 3], &[0x09, 0x00, 0x00], b"x"].concat()
}

/// A block that says that it is 4 GiB less one, which is all that can be said.
fn snappy_that_claims() -> Vec<u8> {
    vec![0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00, b'x']
}

/// A block of 340 MiB: a byte, and copies of it.
fn snappy_of_copies() -> Vec<u8> {
    let copies: u32 = 340 * 1024 * 1024 / 64;
    let mut size = copies * 64 + 1;
    let mut block = Vec::new();
    while size >= 0x80 {
        block.push(u8::try_from(size & 0x7F).unwrap() | 0x80);
        size >>= 7;
    }
    block.push(u8::try_from(size).unwrap());
    block.extend_from_slice(&[0x00, b' ']);
    // 64 bytes from one byte back.
    block.extend([0xFE, 0x01, 0x00].iter().cycle().take(copies as usize * 3));
    block
}

/// A stream of 200 MiB.
fn snappy_stream() -> Vec<u8> {
    Compression::Snappy.compress(&Bytes::from(vec![b' '; 200 << 20])).unwrap().to_vec()
}

/// Fault 25: each is a dead letter at once, as it came, and takes no more memory than the limit allows.
#[test]
fn compression_bombs_do_not_go_off() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[]);
    let before = handler.peak_kib();
    let bombs = [
        ("zstd", zstd_of_ten_gib()),
        ("zstd", zstd_that_claims()),
        ("zstd", zstd_of_a_large_window()),
        ("snappy", snappy_that_claims()),
        ("snappy", snappy_of_copies()),
        ("snappy", snappy_stream()),
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let foreign = Foreign::connect(&broker.url()).await;
        for (number, (encoding, bomb)) in bombs.iter().enumerate() {
            let properties = BasicProperties::default().with_content_type("application/json".into());
            let properties = properties.with_delivery_mode(2).with_message_id(format!("bomb-{number}").into());
            foreign
                .publish(
                    "swit.events",
                    "fault.work",
                    properties.clone().with_content_encoding((*encoding).into()),
                    bomb,
                )
                .await;
            // The innocent stand between them.
            let work = Work { number: number as u64, conduct: Conduct::Succeed, filler: String::new() };
            let id = swit_faults::work::id(number as u64);
            let body = serde_json::to_vec(&work).unwrap();
            foreign.publish("swit.events", "fault.work", properties.with_message_id(id.into()), &body).await;
        }
    });
    rig.wait_until("the innocent are done", HEALING, |record| record.effects.len() == bombs.len());
    runtime.block_on(async {
        let foreign = Foreign::connect(&broker.url()).await;
        let letters = || broker.queue_depth("faults.handle.dlq");
        until("all are dead letters", || letters() == Some(bombs.len() as u64)).await;
        for _ in &bombs {
            let letter = foreign.take("faults.handle.dlq").await.delivery;
            let id = letter.properties.message_id().as_ref().unwrap().as_str().to_owned();
            let number: usize = id.strip_prefix("bomb-").unwrap().parse().unwrap();
            let (encoding, bomb) = &bombs[number];
            assert_eq!(header(&letter.properties, "x-dead-letter-reason"), "invalid_input", "{id}");
            assert_eq!(header(&letter.properties, "x-dead-letter-attempts"), "0", "{id}: before the handler");
            assert_eq!(letter.properties.content_encoding().as_ref().unwrap().as_str(), *encoding);
            assert!(letter.data == *bomb, "{id}: as it came");
        }
    });
    let grown = handler.peak_kib() - before;
    assert!(grown < MOST_KIB, "{grown} KiB more");
    assert!(handler.runs(), "it lives on");
}
