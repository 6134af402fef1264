//! What operators do, on a real broker: topology compared, made and cleared; dead letters looked at, replayed and purged.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use swit::{
    Clock, Message, MessageId,
    dead_letters::{DeadLetters, Letter, Selection},
    transport::{
        Binding, Comparison, Deleted, Known, LeftQueue, Provision, Publication, Queue, SubscribeOptions, Target, Thing,
        Transport, Verdict,
    },
    transports::rabbitmq::{Address, Management, QueueKind, RabbitMqOptions, RabbitMqTransport},
};
use swit_testbed::Broker;

fn broker() -> &'static Broker {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    SHARED.get_or_init(|| Broker::options().management().start())
}

/// A name that no other test uses.
fn name(word: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{word}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn options(broker: &Broker, exchange: &str) -> RabbitMqOptions {
    let mut options = RabbitMqOptions::new(Address::parse(&broker.url(), false).unwrap());
    options.exchange = exchange.to_owned().into();
    options.management = Some(Management::parse(&broker.management_url(), false).unwrap());
    options
}

async fn connected(options: RabbitMqOptions) -> RabbitMqTransport {
    let transport = RabbitMqTransport::new("default", options);
    transport.connect().await.unwrap();
    transport
}

/// A subscriber's queue `{service}.{name}` with its dead letters, as a service wants it.
fn subscriber(service: &str, name: &str, patterns: &[&str]) -> Queue {
    let queue = format!("{service}.{name}");
    Queue::subscriber(queue.clone(), patterns.iter().map(|p| (*p).to_owned())).with_dead_letter(format!("{queue}.dlq"))
}

/// Compares, for a service that has no other queues.
async fn compare(transport: &RabbitMqTransport, service: &str, queues: &[Queue]) -> Comparison {
    let names = queues.iter().flat_map(|queue| [Some(&queue.name), queue.dead_letter.as_ref()]);
    transport.compare(service, queues, &Known::new(names.flatten().cloned())).await.unwrap()
}

fn things(comparison: &Comparison) -> Vec<String> {
    comparison.missing.iter().map(Thing::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_planned_and_made_and_then_there_is_nothing_to_do() {
    let service = name("fresh");
    let transport = connected(options(broker(), &service)).await;
    let queues = [subscriber(&service, "confirm", &["order.*"])];
    let plan = compare(&transport, &service, &queues).await;
    let planned = things(&plan);
    for wanted in [
        format!("exchange {service}"),
        format!("queue {service}.confirm"),
        format!("queue {service}.confirm.dlq"),
        format!("binding {service}.confirm <- {service} (order.*)"),
        format!("binding {service}.confirm.dlq <- swit.dead ({service}.confirm)"),
    ] {
        assert!(planned.contains(&wanted), "{wanted}: {planned:?}");
    }
    assert!(plan.differing.is_empty() && plan.stale.is_empty() && plan.left.is_empty() && plan.unchecked.is_empty());
    assert_eq!(broker().queue_depth(&format!("{service}.confirm")), None, "a plan changes nothing");

    transport.make(&queues).await.unwrap();
    let plan = compare(&transport, &service, &queues).await;
    assert_eq!((things(&plan), plan.present), (vec![], 4 + 3 + 1 + 3), "{plan:?}");
    assert!(plan.differing.is_empty() && plan.stale.is_empty() && plan.left.is_empty());
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_management_api_what_can_be_told_is_told_and_what_can_not_is_named() {
    let service = name("bare");
    let mut options = options(broker(), &service);
    options.management = None;
    let transport = connected(options.clone()).await;
    let queues = [subscriber(&service, "confirm", &["order.*"])];
    transport.make(&queues).await.unwrap();
    let more = [queues[0].clone(), subscriber(&service, "more", &["a"]), Queue::existing(format!("{service}.foreign"))];
    let plan = compare(&transport, &service, &more).await;
    assert!(things(&plan).contains(&format!("queue {service}.more")));
    assert!(things(&plan).contains(&format!("binding {service}.more <- {service} (a)")), "it can't be there either");
    assert!(!things(&plan).contains(&format!("binding {service}.confirm <- {service} (order.*)")));
    assert_eq!(plan.differing.len(), 1);
    assert!(plan.differing[0].what.contains("does not exist"), "{:?}", plan.differing);
    assert!(plan.unchecked.len() == 1 && plan.unchecked[0].contains("management"), "{:?}", plan.unchecked);
    transport.close().await;

    // A wrong port, and a wrong password: said, and the rest is still checked.
    for (url, why) in
        [("http://127.0.0.1:1", "can't be asked"), (&*broker().management_url().replace(":guest@", ":no@"), "(401)")]
    {
        options.management = Some(Management::parse(url, false).unwrap());
        let transport = connected(options.clone()).await;
        let plan = compare(&transport, &service, &queues).await;
        assert!(plan.unchecked[0].contains(why) && !plan.unchecked[0].contains(":no@"), "{:?}", plan.unchecked);
        assert_eq!(things(&plan), Vec::<String>::new());
        transport.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_named_and_nothing_is_made_in_its_place() {
    let service = name("other");
    let queues = [subscriber(&service, "confirm", &["order.*"])];
    let mut older = options(broker(), &service);
    older.queues = QueueKind::Classic;
    let transport = connected(older).await;
    transport.make(&queues).await.unwrap();
    transport.close().await;

    let transport = connected(options(broker(), &service)).await;
    let plan = compare(&transport, &service, &queues).await;
    let differing: Vec<String> =
        plan.differing.iter().map(|known| format!("{}: {}", known.thing, known.what)).collect();
    // Of several arguments that differ the broker names one.
    assert!(differing[0].starts_with(&format!("queue {service}.confirm: 'x-")), "{differing:?}");
    let expected = format!("queue {service}.confirm.dlq: 'x-queue-type': wanted 'quorum' but it has 'classic'");
    assert_eq!(differing[1..], [expected]);
    let refused = transport.make(&queues).await.unwrap_err();
    assert!(refused.reason.contains(&format!("{service}.confirm")), "{refused}");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_by_hand_is_made_whatever_the_transport_is_told() {
    let service = name("hand");
    let mut options = options(broker(), &service);
    options.declare = false;
    let transport = connected(options).await;
    let queues = [subscriber(&service, "confirm", &["order.*"])];
    assert!(transport.declare(&queues).await.is_err());
    transport.make(&queues).await.unwrap();
    transport.declare(&queues).await.unwrap();
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_behind_is_found_and_cleared() {
    let service = name("left");
    let transport = connected(options(broker(), &service)).await;
    let older =
        [subscriber(&service, "confirm", &["order.*", "payment.*"]), subscriber(&service, "gone", &["order.*"])];
    transport.make(&older).await.unwrap();
    publish(&transport, Message::new("order.created", "{}"), Target::Topic).await;
    let queues = [subscriber(&service, "confirm", &["order.*"])];

    // The broker counts with some seconds' delay.
    let left = async |is_so: fn(&LeftQueue) -> bool| {
        let began = std::time::Instant::now();
        loop {
            let plan = compare(&transport, &service, &queues).await;
            if is_so(&plan.left[0]) {
                break plan;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{plan:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let plan = left(|gone| gone.messages == 1).await;
    let stale: Vec<String> = plan.stale.iter().map(Binding::to_string).collect();
    assert_eq!(
        stale,
        [
            format!("{service}.confirm <- {service} (payment.*)"),
            format!("{service}.confirm <- {service}.due (payment.*)"),
        ]
    );
    assert_eq!(
        plan.left.iter().map(|queue| &*queue.name).collect::<Vec<_>>(),
        [format!("{service}.gone"), format!("{service}.gone.dlq")]
    );
    assert_eq!((plan.left[0].messages, plan.left[0].consumers, plan.left[0].bindings.len()), (1, 0, 2));

    for binding in &plan.stale {
        transport.unbind(binding).await.unwrap();
        transport.unbind(binding).await.expect("what is not there needs no removing");
    }
    assert_eq!(transport.delete(&plan.left[0], false).await.unwrap(), Deleted::HoldsMessages(1));
    assert_eq!(transport.delete(&plan.left[1], false).await.unwrap(), Deleted::Gone(0));
    publish(&transport, Message::new("order.created", "{}"), Target::Topic).await;
    assert_eq!(broker().queue_depth(&format!("{service}.gone")), Some(2), "what was refused still receives");

    let consuming = transport.subscribe(SubscribeOptions::new(format!("{service}.gone"), "old", 1)).await.unwrap();
    left(|gone| gone.consumers == 1).await;
    assert_eq!(transport.delete(&plan.left[0], true).await.unwrap(), Deleted::IsConsumed);
    consuming.close();
    drop(consuming);
    left(|gone| gone.consumers == 0).await;
    assert_eq!(transport.delete(&plan.left[0], true).await.unwrap(), Deleted::Gone(2));
    let plan = compare(&transport, &service, &queues).await;
    assert!(plan.stale.is_empty() && plan.left.is_empty() && plan.missing.is_empty(), "{plan:?}");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_deleted_keeps_its_bindings() {
    let service = name("kept");
    let transport = connected(options(broker(), &service)).await;
    transport.make(&[subscriber(&service, "gone", &["order.*"])]).await.unwrap();
    // It may bind and unbind, and not delete.
    broker().eval(
        "ok = rabbit_auth_backend_internal:add_user(<<\"clerk\">>, <<\"clerk\">>, <<\"test\">>),
         ok = rabbit_auth_backend_internal:set_permissions(<<\"clerk\">>, <<\"/\">>, <<\"^$\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>)",
    );
    let mut as_clerk = options(broker(), &service);
    as_clerk.address = Address::parse(&broker().url().replace("guest:guest", "clerk:clerk"), false).unwrap();
    let clerk = connected(as_clerk).await;
    let mut gone = LeftQueue::new(format!("{service}.gone"));
    gone.bindings = vec![Binding::new(gone.name.clone(), service.clone(), "order.*")];
    let refused = clerk.delete(&gone, false).await.unwrap_err();
    assert!(refused.to_string().contains("may not do this"), "{refused}");
    publish(&transport, Message::new("order.created", "{}"), Target::Topic).await;
    assert_eq!(broker().queue_depth(&gone.name), Some(1));
    assert_eq!(clerk.delete(&gone, false).await.unwrap(), Deleted::HoldsMessages(1));
    clerk.close().await;
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_for_the_service_is_never_left_behind() {
    let service = name("imports");
    let transport = connected(options(broker(), &service)).await;
    let (imports, disabled) = (format!("{service}.imports"), format!("{service}.disabled"));
    // As an operator makes them; in one of them retries have waited.
    let made = [&imports, &disabled].map(|name| Queue::subscriber(name.clone(), ["order.*"]));
    transport.make(&made).await.unwrap();
    let retry = Publication::new(Message::new("order.created", "{}"))
        .to(Target::Queue(imports.clone().into()))
        .delayed(Duration::from_millis(1));
    transport.publisher().publish(retry).await.unwrap();
    let queues = [Queue::existing(imports.clone())];
    let known = Known::new([imports.clone(), disabled]);
    let plan = transport.compare(&service, &queues, &known).await.unwrap();
    assert!(broker().queue_depth(&format!("{imports}.retry.1s")).is_some());
    assert!(plan.stale.is_empty() && plan.left.is_empty() && plan.differing.is_empty(), "{plan:?}");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_instance_goes_with_it() {
    let service = name("instance");
    let transport = connected(options(broker(), &service)).await;
    let (queue, others) = (format!("{service}.all.host-1"), format!("{service}.confirm"));
    let own = Queue::subscriber(queue.clone(), ["order.*"]).with_exclusive();
    transport.declare(&[own, Queue::subscriber(others.clone(), ["order.*"])]).await.unwrap();
    let subscription = transport.subscribe(SubscribeOptions::new(queue.clone(), "all", 1)).await.unwrap();
    for (queue, delay) in [(&queue, 5), (&queue, 24 * 60 * 60), (&others, 5)] {
        let retry = Publication::new(Message::new("order.created", "{}"))
            .to(Target::Queue(queue.clone().into()))
            .delayed(Duration::from_secs(delay));
        transport.publisher().publish(retry).await.unwrap();
    }
    // Asked of the broker's records: a queue that is being deleted can't be asked itself.
    let exists = |queue: &str| {
        let resource = format!("{{resource, <<\"/\">>, queue, <<\"{queue}\">>}}");
        broker().eval(&format!("rabbit_amqqueue:exists({resource})")) == "true"
    };
    let waits = |queue: &str, step: &str| exists(&format!("{queue}.retry.{step}"));
    assert!(waits(&queue, "5s") && waits(&queue, "1d"));
    // While it runs, its retries are its own.
    let known = Known::new([others.clone()]).with_per_instance([format!("{service}.all")]);
    let queues = [Queue::subscriber(others.clone(), ["order.*"])];
    let plan = transport.compare(&service, &queues, &known).await.unwrap();
    assert!(plan.left.is_empty(), "{plan:?}");
    subscription.close();
    drop(subscription);
    until(|| !exists(&queue)).await;
    assert!(!waits(&queue, "5s") && !waits(&queue, "1d") && waits(&others, "5s"));
    transport.close().await;
}

async fn until(is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "it takes too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn publish(transport: &RabbitMqTransport, message: Message, target: Target) {
    transport.publisher().publish(Publication::new(message).to(target)).await.unwrap();
}

/// A dead letter, as swit writes them.
fn dead(service: &str, id: &str, reason: &str, time: &str) -> Message {
    Message::new("order.created", format!("{{\"id\":\"{id}\"}}"))
        .with_id(MessageId::parse(id).unwrap())
        .with_key("k")
        .with_header("own", "kept")
        .with_header("x-swit-attempt", 4)
        .with_header("x-dead-letter-reason", reason)
        .with_header("x-dead-letter-error", "no")
        .with_header("x-dead-letter-time", time)
        .with_header("x-dead-letter-attempts", 4)
        .with_header("x-dead-letter-queue", format!("{service}.confirm"))
        .with_header("x-original-topic", "order.created")
}

/// A service with six dead letters: a to f, alternately permanent and exhausted; the first two of 2020.
async fn graveyard(service: &str, kind: QueueKind) -> RabbitMqTransport {
    let mut options = options(broker(), service);
    options.queues = kind;
    let transport = connected(options).await;
    // `#` takes every event: a replay that went to the exchange would be seen twice.
    let queues = [subscriber(service, "confirm", &["order.*"]), subscriber(service, "audit", &["#"])];
    transport.make(&queues).await.unwrap();
    let letters = [("a", "2020"), ("b", "2020"), ("c", "2030"), ("d", "2030"), ("e", "2030"), ("f", "2030")];
    for (number, (id, year)) in letters.into_iter().enumerate() {
        let reason = if number % 2 == 0 { "permanent" } else { "max_retries_exceeded" };
        let letter = dead(service, id, reason, &format!("{year}-01-01T00:00:00.000Z"));
        publish(&transport, letter, Target::Queue(format!("{service}.confirm.dlq").into())).await;
    }
    transport
}

/// The ids in a dead-letter queue, in order.
async fn ids(letters: &DeadLetters<'_>, queue: &str) -> String {
    let mut ids = String::new();
    letters.read(queue, &Selection::all(), u64::MAX, |letter| ids += &letter.message.id.to_string()).await.unwrap();
    ids
}

/// Takes all that lies in a queue.
async fn drain(transport: &RabbitMqTransport, queue: &str) -> Vec<Message> {
    let count = broker().queue_depth(queue).unwrap();
    let subscription = transport.subscribe(SubscribeOptions::new(queue.to_owned(), "drain", 100)).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        let next = std::future::poll_fn(|task| subscription.poll_next(0, task)).await.unwrap();
        all.push(next.message().clone());
        next.settle(Verdict::Ack);
    }
    subscription.close();
    all
}

fn now() -> Clock {
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 55);
    Clock::injected(move || now)
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_takes_nothing_and_keeps_the_order() {
    for kind in [QueueKind::Quorum, QueueKind::Classic] {
        let service = name("look");
        let transport = graveyard(&service, kind).await;
        let letters = DeadLetters::of(&transport, now()).unwrap();
        let queue = format!("{service}.confirm.dlq");
        // More than nine, so that an order by digits would show, and more than a batch, a handful and what a channel sends at once.
        for number in 0..600 {
            let letter = dead(&service, &format!("<{number}>"), "permanent", "2030-01-01T00:00:00Z");
            publish(&transport, letter, Target::Queue(queue.clone().into())).await;
        }
        let expected = (0..600).fold("abcdef".to_owned(), |all, number| all + &format!("<{number}>"));
        for _ in 0..3 {
            assert_eq!(ids(&letters, &queue).await, expected, "{kind:?}");
        }
        let summary = letters.summary(&queue, 4).await.unwrap();
        assert_eq!((summary.count, summary.looked_at), (606, 4));
        let reasons: Vec<_> = summary.reasons.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        assert_eq!(reasons, [("max_retries_exceeded", 2), ("permanent", 2)]);
        assert_eq!(letters.count(&queue).await.unwrap(), Some(606), "all are back at once");
        assert_eq!(letters.count("nowhere").await.unwrap(), None);
        assert!(letters.summary("nowhere", 1).await.unwrap_err().to_string().contains("`nowhere` does not exist"));

        let mut found: Vec<Letter> = Vec::new();
        letters.read(&queue, &Selection::all().id("c"), 1, |letter| found.push(letter)).await.unwrap();
        let letter = &found[0];
        assert_eq!((&*letter.reason, letter.error.as_deref(), letter.attempts), ("permanent", Some("no"), Some(4)));
        assert_eq!((&*letter.topic, letter.queue.as_deref()), ("order.created", Some(&*format!("{service}.confirm"))));
        assert_eq!(&letter.message.payload[..], br#"{"id":"c"}"#);
        transport.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_selected_is_replayed_to_its_own_queue_and_the_rest_stays_in_order() {
    for kind in [QueueKind::Quorum, QueueKind::Classic] {
        let service = name("replay");
        let transport = graveyard(&service, kind).await;
        let letters = DeadLetters::of(&transport, now()).unwrap();
        let (queue, origin) = (format!("{service}.confirm.dlq"), format!("{service}.confirm"));
        let all = Selection::all;

        let rehearsed = letters.rehearse(&queue, &all()).await.unwrap();
        assert_eq!((rehearsed.count(), rehearsed.looked_at), (6, 6));
        assert_eq!((ids(&letters, &queue).await.as_str(), broker().queue_depth(&origin)), ("abcdef", Some(0)));

        for (selection, rest) in [
            (all().id("e"), "abcdf"),
            (all().id("e").reason("permanent"), "abcdf"),
            (all().reason("permanent").older_than(Duration::from_hours(24 * 365)), "bcdf"),
            (all().older_than(Duration::from_hours(24 * 365)), "cdf"),
            (all().reason("max_retries_exceeded"), "c"),
            (all(), ""),
        ] {
            let replayed = letters.replay(&queue, &selection, |_| {}).await.unwrap();
            assert!(replayed.stopped.is_none() && replayed.kept == 0, "{replayed:?}");
            assert_eq!(ids(&letters, &queue).await, rest, "{kind:?} {selection:?}");
        }
        let back = drain(&transport, &origin).await;
        assert_eq!(back.iter().map(|message| message.id.to_string()).collect::<String>(), "eabdfc");
        for message in back {
            assert_eq!((&*message.topic, message.key.as_deref()), ("order.created", Some("k")));
            let mut names: Vec<_> = message.headers.iter().map(|(name, _)| name.to_owned()).collect();
            names.sort();
            assert_eq!(names, ["own", "x-original-topic", "x-swit-topic"]);
        }
        assert_eq!(broker().queue_depth(&format!("{service}.audit")), Some(0), "nothing went to the exchange");
        transport.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wants_any_more_is_purged_and_nothing_else() {
    let service = name("purge");
    let transport = graveyard(&service, QueueKind::Quorum).await;
    let letters = DeadLetters::of(&transport, now()).unwrap();
    let queue = format!("{service}.confirm.dlq");
    let permanent = Selection::all().reason("permanent");
    assert_eq!(letters.purge(&queue, &permanent, u64::MAX, true).await.unwrap().deleted, 3);
    assert_eq!(ids(&letters, &queue).await, "abcdef");
    assert_eq!(letters.purge(&queue, &permanent, 2, true).await.unwrap().deleted, 1, "of those that were counted");
    let purged = letters.purge(&queue, &permanent, u64::MAX, false).await.unwrap();
    assert_eq!((purged.deleted, purged.looked_at), (3, 6));
    assert_eq!(ids(&letters, &queue).await, "bdf");
    assert_eq!(broker().queue_depth(&format!("{service}.confirm")), Some(0));
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_go_back_stays_and_says_why() {
    let service = name("stuck");
    let transport = graveyard(&service, QueueKind::Quorum).await;
    let letters = DeadLetters::of(&transport, now()).unwrap();
    let queue = format!("{service}.confirm.dlq");
    let of_another = dead("deleted", "x", "permanent", "2030-01-01T00:00:00Z");
    let of_nobody = Message::new("order.created", "{}").with_id(MessageId::parse("y").unwrap());
    for message in [of_another, of_nobody] {
        publish(&transport, message, Target::Queue(queue.clone().into())).await;
    }
    let replayed = letters.replay(&queue, &Selection::all(), |_| {}).await.unwrap();
    assert_eq!((replayed.count(), replayed.kept), (6, 2), "{replayed:?}");
    assert!(replayed.named.iter().any(|kept| kept.why == "its queue `deleted.confirm` does not exist"));
    assert!(replayed.named.iter().any(|kept| kept.why == "nothing says which queue it died in"));
    assert_eq!(ids(&letters, &queue).await, "xy");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_itself_gave_up_is_read_and_replayed_too() {
    let service = name("limit");
    let mut options = options(broker(), &service);
    options.delivery_limit = 2;
    let transport = connected(options).await;
    let queues = [subscriber(&service, "confirm", &["order.*"])];
    transport.make(&queues).await.unwrap();
    let (queue, origin) = (format!("{service}.confirm.dlq"), format!("{service}.confirm"));
    // A header that would lead a replay astray, if it were believed.
    let message = Message::new("order.created", "{}")
        .with_id(MessageId::parse("x").unwrap())
        .with_header("x-dead-letter-queue", format!("{service}.elsewhere"));
    publish(&transport, message, Target::Topic).await;
    let rejected = Message::new("order.created", "{}").with_id(MessageId::parse("y").unwrap());
    let subscription = transport.subscribe(SubscribeOptions::new(origin.clone(), "fails", 1)).await.unwrap();
    for _ in 0..3 {
        // Dropped, as by a process that dies.
        drop(std::future::poll_fn(|task| subscription.poll_next(0, task)).await.unwrap());
    }
    publish(&transport, rejected, Target::Topic).await;
    std::future::poll_fn(|task| subscription.poll_next(0, task)).await.unwrap().settle(Verdict::Reject);
    until(|| broker().queue_depth(&queue) == Some(2)).await;
    subscription.close();
    drop(subscription);
    until(|| broker().queue(&origin).is_some_and(|queue| queue.consumers == 0)).await;

    let letters = DeadLetters::of(&transport, Clock::SYSTEM).unwrap();
    let mut found = Vec::new();
    letters.read(&queue, &Selection::all(), 10, |letter| found.push(letter)).await.unwrap();
    let shown: Vec<_> = found.iter().map(|letter| (&*letter.reason, letter.queue.as_deref(), &*letter.topic)).collect();
    let from = Some(origin.as_str());
    assert_eq!(shown, [("delivery_limit", from, "order.created"), ("rejected", from, "order.created")]);
    assert!(
        found.iter().all(|letter| letter.time.is_some_and(|time| time.elapsed().unwrap() < Duration::from_mins(1)))
    );

    let replayed = letters.replay(&queue, &Selection::all().reason("delivery_limit"), |_| {}).await.unwrap();
    assert_eq!(replayed.count(), 1, "{replayed:?}");
    let back = drain(&transport, &origin).await;
    assert_eq!((back[0].id.to_string(), &*back[0].topic), ("x".to_owned(), "order.created"));
    assert!(back[0].headers.iter().all(|(name, _)| !name.contains("death") && !name.contains("dead-letter")));
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_a_replay_loses_nothing() {
    // It loses connections, so it has a broker of its own.
    let own = Broker::start();
    let service = name("crash");
    let mut options = RabbitMqOptions::new(Address::parse(&own.url(), false).unwrap());
    options.exchange = service.clone().into();
    let transport = connected(options).await;
    transport.make(&[subscriber(&service, "confirm", &["order.*"])]).await.unwrap();
    let (queue, origin) = (format!("{service}.confirm.dlq"), format!("{service}.confirm"));
    for number in 0..600 {
        let letter = dead(&service, &format!("{number:03}"), "permanent", "2030-01-01T00:00:00Z");
        publish(&transport, letter, Target::Queue(queue.clone().into())).await;
    }
    let letters = DeadLetters::of(&transport, now()).unwrap();
    let mut confirmed = 0;
    // The tenth copy is confirmed; its dead letter can't be taken any more.
    let all = Selection::all();
    let crashed = letters.replay(&queue, &all, |_| {
        confirmed += 1;
        if confirmed == 10 {
            own.close_all_connections("a test");
        }
    });
    let replayed = crashed.await.unwrap();
    let stopped = replayed.stopped.as_ref().expect("it could not go on").to_string();
    assert!(stopped.contains("transport `default`") || stopped.contains("connection"), "{stopped}");
    assert!(replayed.count() < 600);
    until(|| own.queue(&queue).is_some_and(|queue| queue.unacknowledged == 0)).await;
    let (left, back) = (own.queue_depth(&queue).unwrap(), own.queue_depth(&origin).unwrap());
    assert!(left + back > 600, "one confirmed copy's dead letter is still there: {left} + {back}");

    let replayed = letters.replay(&queue, &Selection::all(), |_| {}).await.unwrap();
    assert!(replayed.stopped.is_none() && replayed.count() == left, "{replayed:?}");
    assert_eq!((own.queue_depth(&queue), own.queue_depth(&origin)), (Some(0), Some(left + back)));
    let subscription = transport.subscribe(SubscribeOptions::new(origin, "drain", 500)).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..left + back {
        let next = std::future::poll_fn(|task| subscription.poll_next(0, task)).await.unwrap();
        seen.insert(next.message().id.to_string());
        next.settle(Verdict::Ack);
    }
    assert_eq!(seen.len(), 600, "all of them, some twice");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_cancelled_loses_nothing() {
    let service = name("cancel");
    let transport = graveyard(&service, QueueKind::Quorum).await;
    let letters = DeadLetters::of(&transport, now()).unwrap();
    let (queue, origin) = (format!("{service}.confirm.dlq"), format!("{service}.confirm"));
    let cancelled = tokio::time::timeout(Duration::ZERO, letters.replay(&queue, &Selection::all(), |_| {})).await;
    assert!(cancelled.is_err());
    until(|| broker().queue(&queue).is_some_and(|queue| queue.unacknowledged == 0)).await;
    let held = broker().queue_depth(&queue).unwrap() + broker().queue_depth(&origin).unwrap();
    assert!(held >= 6, "{held}");
    transport.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_whatever_is_added_meanwhile() {
    let service = name("ends");
    let transport = Arc::new(graveyard(&service, QueueKind::Quorum).await);
    let letters = DeadLetters::of(&*transport, now()).unwrap();
    let queue = format!("{service}.confirm.dlq");
    let (port, again, target) = (transport.publisher(), service.clone(), queue.clone());
    // Each replayed letter dies again at once.
    let all = Selection::all();
    let replayed = letters.replay(&queue, &all, |letter| {
        let letter = dead(&again, &letter.message.id.to_string(), "permanent", "2030-01-01T00:00:00Z");
        let publishing = port.publish(Publication::new(letter).to(Target::Queue(target.clone().into())));
        tokio::spawn(async move { publishing.await.unwrap() });
    });
    assert_eq!(replayed.await.unwrap().count(), 6);
    until(|| broker().queue_depth(&queue) == Some(6)).await;
    transport.close().await;
}
