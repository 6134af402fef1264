//! The node that all contenders work against, and a hand-made connection to it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lapin::{Connection, ConnectionProperties};
use swit_testbed::broker::Broker;
use tokio::task::{JoinHandle, spawn_blocking};

/// A private broker.
pub(crate) struct Node {
    broker: Arc<Broker>,
    pub(crate) url: String,
}

impl Node {
    pub(crate) fn start() -> Self {
        let broker = Broker::start();
        Self { url: broker.url(), broker: Arc::new(broker) }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::connect(&self.url, ConnectionProperties::default()).await.expect("the node takes connections")
    }

    /// Waits, inside the node, until these queues hold nothing any more, ready or unacknowledged; answers when that was.
    ///
    /// It asks every three milliseconds, of every contender alike. Give it a moment to begin before the clock starts.
    pub(crate) async fn emptied(&self, queues: &[String]) -> JoinHandle<SystemTime> {
        let names: Vec<String> = queues.iter().map(|queue| format!("<<\"{queue}\">>")).collect();
        let program = format!(
            "Queues = [begin {{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, Name)), Q end || Name <- [{}]],
             Holds = fun(Q) -> case amqqueue:get_type(Q) of
                 rabbit_quorum_queue ->
                     {{ok, {{_, N}}, _}} = ra:leader_query(amqqueue:get_pid(Q), fun rabbit_fifo:query_messages_total/1), N;
                 _ -> [{{_, N}}] = rabbit_amqqueue:info(Q, [messages]), N end end,
             Wait = fun W() -> case lists:any(fun(Q) -> Holds(Q) > 0 end, Queues) of
                 true -> timer:sleep(3), W();
                 false -> os:system_time(microsecond) end end,
             Wait()",
            names.join(",")
        );
        let broker = Arc::clone(&self.broker);
        let waiting = spawn_blocking(move || {
            let micros = broker.eval(&program.replace('\n', " ")).parse().expect("a time in microseconds");
            SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        waiting
    }

    pub(crate) async fn delete(&self, queue: &str) {
        let (broker, queue) = (Arc::clone(&self.broker), queue.to_owned());
        spawn_blocking(move || broker.delete_queue(&queue)).await.expect("the queue is deleted");
    }
}

/// From one moment of the wall clock to another one.
pub(crate) fn between(began: SystemTime, ended: SystemTime) -> Duration {
    ended.duration_since(began).unwrap_or_default()
}
