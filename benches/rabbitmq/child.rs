//! This benchmark again, in a process of its own: to be measured by itself, or to be one of several.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use swit::transports::rabbitmq::QueueKind;

use crate::{
    place::{Place, kind_name},
    service::{Service, count_items, count_slowly},
    tally::Tally,
};

const FLAG: &str = "--child";

/// What a child does.
#[derive(Debug)]
pub(crate) enum Part {
    /// Consumes until its input ends.
    Consume { place: Place, concurrency: u32 },
    /// Consumes slowly for so long, and says how much memory it took at most.
    Slow { place: Place, millis: u64 },
}

/// The part of this process, if it is a child.
pub(crate) fn wanted(arguments: &[String]) -> Option<Part> {
    let [flag, part, number, url, name, kind] = arguments else { return None };
    if flag != FLAG {
        return None;
    }
    let kind = if kind == "classic" { QueueKind::Classic } else { QueueKind::Quorum };
    let place = Place { url: url.clone(), name: name.clone(), kind };
    Some(match part.as_str() {
        "consume" => Part::Consume { place, concurrency: number.parse().ok()? },
        _ => Part::Slow { place, millis: number.parse().ok()? },
    })
}

impl Part {
    fn arguments(&self) -> [String; 6] {
        let (part, number, place) = match self {
            Self::Consume { place, concurrency } => ("consume", u64::from(*concurrency), place),
            Self::Slow { place, millis } => ("slow", *millis, place),
        };
        let kind = kind_name(place.kind);
        [FLAG.into(), part.into(), number.to_string(), place.url.clone(), place.name.clone(), kind.into()]
    }

    pub(crate) async fn run(self) {
        let tally = Arc::new(Tally::default());
        match self {
            Self::Consume { place, concurrency } => {
                wait_for_line().await;
                let service = Service::start::<(count_items,)>(&place, concurrency, &tally).await;
                let since = service.subscribed().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
                say(&since.as_micros().to_string());
                wait_for_line().await;
                service.stop().await;
            }
            Self::Slow { place, millis } => {
                wait_for_line().await;
                let service = Service::start::<(count_slowly,)>(&place, 10, &tally).await;
                tokio::time::sleep(Duration::from_millis(millis)).await;
                say(&format!("{} {}", peak_kib(), tally.messages()));
                wait_for_line().await;
                service.stop().await;
            }
        }
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("the parent listens");
}

async fn wait_for_line() {
    let waiting = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    waiting.await.expect("it is read").expect("standard input can be read");
}

/// The most memory that this process has had, by the system's account.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the system tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system tells");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

/// A child, as its parent sees it.
pub(crate) struct Child {
    process: std::process::Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(part: &Part) -> Self {
        let this = std::env::current_exe().expect("this program is a file");
        let mut process = Command::new(this)
            .args(part.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let stdin = process.stdin.take().expect("a piped input");
        let stdout = BufReader::new(process.stdout.take().expect("a piped output"));
        Self { process, stdin, stdout }
    }

    pub(crate) fn say_go(&mut self) {
        writeln!(self.stdin, "go").expect("the child lives");
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the child lives");
        line.trim().to_owned()
    }

    pub(crate) fn end(self) {
        let Self { mut process, stdin, stdout } = self;
        drop(stdin);
        let ended = process.wait().expect("a child can be waited for");
        assert!(ended.success(), "the child ends well");
        drop(stdout);
    }
}
