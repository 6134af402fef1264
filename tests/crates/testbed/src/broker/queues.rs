//! What a node's queues hold.

use super::{Broker, control::binary};

/// A queue of the virtual host `/`, as it was when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its type: `classic`, `quorum` or `stream`.
    pub kind: String,
    /// Messages that wait for a consumer.
    pub ready: u64,
    /// Messages that a consumer has not settled yet.
    pub unacknowledged: u64,
    /// Consumers that are registered.
    pub consumers: u64,
}

impl Queue {
    /// All messages that the queue holds, ready and unacknowledged.
    pub fn depth(&self) -> u64 {
        self.ready + self.unacknowledged
    }
}

/// Prints one line a queue of the list `Queues`. A quorum queue's own figures are seconds old; its leader is asked.
const PRINT: &str = r#"
lists:foreach(fun(Q) ->
    {resource, _, queue, Name} = amqqueue:get_name(Q),
    {ok, Ready, Consumers} = rabbit_amqqueue:stat(Q),
    {Kind, Unacked} = case amqqueue:get_type(Q) of
        rabbit_classic_queue ->
            [{_, Open}] = rabbit_amqqueue:info(Q, [messages_unacknowledged]), {"classic", Open};
        rabbit_quorum_queue ->
            {ok, {_, Out}, _} = ra:leader_query(amqqueue:get_pid(Q), fun(S) -> rabbit_fifo:query_messages_checked_out(S) end),
            {"quorum", if is_map(Out) -> maps:size(Out); true -> Out end};
        Other -> {atom_to_list(Other) -- "rabbit__queue", 0}
    end,
    io:format("~s ~b ~b ~b ~ts~n", [Kind, Ready, Unacked, Consumers, Name])
end, Queues)"#;

impl Broker {
    /// All queues of the virtual host `/`, by name.
    #[track_caller]
    pub fn list_queues(&self) -> Vec<Queue> {
        let printed = self.run(&format!("Queues = rabbit_amqqueue:list(<<\"/\">>), {PRINT}"));
        let mut queues = parse(&printed.unwrap_or_else(|refused| panic!("{refused}")));
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        queues
    }

    /// One queue of the virtual host `/`.
    #[track_caller]
    pub fn queue(&self, name: &str) -> Option<Queue> {
        let printed = self.run(&format!(
            "Queues = case rabbit_amqqueue:lookup({}) of {{ok, One}} -> [One]; _ -> [] end, {PRINT}",
            resource(name)
        ));
        parse(&printed.unwrap_or_else(|refused| panic!("{refused}"))).pop()
    }

    /// The messages that a queue holds, ready and unacknowledged; `None` where there is no such queue.
    #[track_caller]
    pub fn queue_depth(&self, name: &str) -> Option<u64> {
        self.queue(name).map(|queue| queue.depth())
    }

    /// Deletes a queue with all that it holds, whoever uses it. Answers whether it was there.
    #[track_caller]
    pub fn delete_queue(&self, name: &str) -> bool {
        let deleted = self.eval(&format!(
            "case rabbit_amqqueue:lookup({}) of {{ok, Q}} -> {{ok, _}} = rabbit_amqqueue:delete(Q, false, false, <<\"testbed\">>), true; _ -> false end",
            resource(name)
        ));
        deleted == "true"
    }
}

fn resource(queue: &str) -> String {
    format!("rabbit_misc:r(<<\"/\">>, queue, {})", binary(queue))
}

fn parse(printed: &str) -> Vec<Queue> {
    let parsed = printed.lines().map(|line| {
        let mut words = line.splitn(5, ' ');
        let kind = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        let (ready, unacknowledged, consumers) = (number()?, number()?, number()?);
        Some(Queue { name: words.next()?.to_owned(), kind, ready, unacknowledged, consumers })
    });
    parsed.map(|queue| queue.unwrap_or_else(|| panic!("not a list of queues: {printed}"))).collect()
}
