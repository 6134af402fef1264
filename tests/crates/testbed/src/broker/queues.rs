//! What a node's queues hold.

use std::time::{Duration, Instant};

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

/// Prints one line a queue of the list `Queues`. The figures that a quorum queue is listed with are seconds old: its leader
/// is asked, again where it is just being elected.
const PRINT: &str = r#"
Ask = fun Ask(Leader, Query, Tries) ->
    case ra:leader_query(Leader, Query, 1000) of
        {ok, {_, Value}, _} -> Value;
        _ when Tries > 1 -> timer:sleep(100), Ask(Leader, Query, Tries - 1);
        Other -> error(Other)
    end
end,
lists:foreach(fun(Q) ->
    {resource, _, queue, Name} = amqqueue:get_name(Q),
    {Kind, Ready, Open, Consumers} = case amqqueue:get_type(Q) of
        rabbit_quorum_queue ->
            Leader = amqqueue:get_pid(Q),
            list_to_tuple(["quorum" | [Ask(Leader, fun rabbit_fifo:Query/1, 20) ||
                Query <- [query_messages_ready, query_messages_checked_out, query_consumer_count]]]);
        Type ->
            Values = rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged, consumers]),
            list_to_tuple([atom_to_list(Type) -- "rabbit__queue" | [Value || {_, Value} <- Values]])
    end,
    io:format("~s ~b ~b ~b ~ts~n", [Kind, Ready, Open, Consumers, Name])
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

/// Prints how many quorum queues have no leader, and has them elect one.
const ELECT: &str = "
Leaderless = [Server || Q <- rabbit_amqqueue:list(),
    amqqueue:get_type(Q) =:= rabbit_quorum_queue,
    Server <- [{element(1, amqqueue:get_pid(Q)), node()}],
    case ra:local_query(Server, fun(_) -> ok end, 1000) of {ok, _, {_, _}} -> false; _ -> true end],
lists:foreach(fun ra:trigger_election/1, Leaderless),
io:format(\"~b\", [length(Leaderless)])";

impl Broker {
    /// Waits until every quorum queue has a leader. A node that is alone now and then leaves one without for ever after a
    /// restart ([rabbitmq-server#10070](https://github.com/rabbitmq/rabbitmq-server/issues/10070)).
    #[track_caller]
    pub(crate) fn elect_leaders(&self) {
        let began = Instant::now();
        while self.run(ELECT).unwrap_or_else(|refused| panic!("{refused}")) != "0" {
            assert!(began.elapsed() < Duration::from_secs(30), "a quorum queue has no leader");
            std::thread::sleep(Duration::from_millis(100));
        }
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
