//! All families of series on the metrics page, with what they mean. Their labels are in `docs/observability.md`, which a test
//! compares with a page.

use crate::metrics::{Kind, Page};

/// A family of series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// Its name behind the prefix.
    name: &'static str,
    kind: Kind,
    help: &'static str,
}

impl Family {
    /// Begins it on a page.
    pub(super) fn begin(&self, prefix: &str, page: &mut Page) {
        page.family(&format!("{prefix}{}", self.name), self.kind, self.help);
    }
}

macro_rules! families {
    ($($constant:ident = $name:literal $kind:ident $help:literal;)*) => {
        $(pub(super) const $constant: Family = Family { name: $name, kind: Kind::$kind, help: $help };)*
    };
}

families! {
    SERVICE = "service_info" Gauge
        "Who the service is; always 1.";
    PUBLISHED = "messages_published_total" Counter
        "Publications that were answered: confirmed by the broker (success), or not (error).";
    PUBLISH_DURATION = "publish_duration_seconds" Histogram
        "Seconds from publishing to the broker's answer. What is refused at once is not in it.";
    PUBLISH_BATCH = "publish_batch_size" Histogram
        "Publications that a batching publisher handed over together.";
    PUBLISH_ERRORS = "publish_errors_total" Counter
        "Publications that failed, by the kind of the error.";
    COPIES = "copies_published_total" Counter
        "Copies that swit puts in the place of a message, delayed retries and dead letters: confirmed (success), or tried in vain (error), each try. None of them is in messages_published_total.";
    UNROUTED = "messages_unrouted_total" Counter
        "Publications that no queue took.";
    CONSUMED = "messages_consumed_total" Counter
        "Attempts that ended: handled (success), failed (error), or given up on purpose (discarded).";
    CONSUME_DURATION = "consume_duration_seconds" Histogram
        "Seconds that attempts took. Of a worker that is never out of messages some are measured and stand for the others.";
    CONSUME_ERRORS = "consume_errors_total" Counter
        "Attempts that failed, by the class of the error.";
    RETRIES = "retries_total" Counter
        "Failed attempts that are tried again.";
    REDELIVERIES = "redeliveries_total" Counter
        "Deliveries that came back because a process or a connection died.";
    DEAD_LETTERS = "dead_letter_messages_total" Counter
        "Messages that went to a dead-letter queue, by the reason; reasons that are not swit's are custom.";
    DISCARDED = "messages_discarded_total" Counter
        "Messages that were given up on purpose, or failed for good and had no dead-letter queue.";
    FILTERED = "messages_filtered_total" Counter
        "Messages of other event types than the subscriber's, which were acknowledged.";
    HANDLERS_FAILED = "event_handler_failures_total" Counter
        "Failures of single event handlers of a composite.";
    DUPLICATES = "inbox_duplicates_total" Counter
        "Messages that a subscriber's inbox knew: acknowledged, and not handled again.";
    OUTBOX_PENDING = "outbox_pending" Gauge
        "Publications that were committed into the outbox and are not confirmed yet; missing while the database can't be asked.";
    OUTBOX_OLDEST = "outbox_oldest_seconds" Gauge
        "How long the first of the publications in the outbox waits to be made; 0 where none does, missing while the database can't be asked.";
    OUTBOX_PARKED = "outbox_parked" Gauge
        "Publications in the outbox that can never be made, until they are replayed; missing while the database can't be asked.";
    TRANSACTIONS = "transactions_total" Counter
        "Transactions over several participants, by how they ended: committed, rolled_back, failed (aborted, and not rolled back everywhere yet), in_doubt, or interrupted: whoever ran it was cut off.";
    IN_DOUBT = "transactions_in_doubt" Gauge
        "Transactions over several participants that are decided, or past their deadline, and not over, by the last look at the log, which is made every 10 s.";
    SAGA_STARTED = "saga_started_total" Counter
        "Instances of sagas that this process started.";
    SAGA_ENDED = "saga_ended_total" Counter
        "Instances of sagas that ended in this process, by how.";
    SAGA_PARKED = "saga_parked_total" Counter
        "How often this process gave up on an instance of a saga until somebody looks.";
    SAGA_RUNNING = "saga_running" Gauge
        "Instances of sagas that run in this process now; those that wait or rest are not in it.";
    SAGA_STEPS = "saga_steps_total" Counter
        "Attempts at steps of sagas that ended: done (success), or failed (error).";
    SAGA_STEP_DURATION = "saga_step_duration_seconds" Histogram
        "Seconds that attempts at steps of sagas took.";
    SAGA_COMPENSATIONS = "saga_compensations_total" Counter
        "Attempts at undoing steps of sagas that ended: undone (success), or failed (error).";
    SAGA_INSTANCES = "saga_instances" Gauge
        "Instances of sagas that are not over, by where they are, in the whole database; missing while it can't be asked.";
    SAGA_INSTANCES_PARKED = "saga_instances_parked" Gauge
        "Instances of sagas that nobody goes on with until somebody looks, in the whole database; missing while it can't be asked.";
    SIZE = "message_size_bytes" Histogram
        "Bytes of the payloads at which attempts were made, as they were delivered.";
    AGE = "message_age_seconds" Histogram
        "Seconds from publishing to the beginning of an attempt, measured as durations are.";
    IN_FLIGHT = "in_flight" Gauge
        "Attempts that run now.";
    LAG = "consumer_lag" Gauge
        "Messages that wait for a consumer group and were handed to nobody; those that a consumer fetched ahead are not in it. Brokers without partitions have the one 0.";
    DEPTH = "queue_depth" Gauge
        "Messages that lie ready in a queue, without those that were handed out and are not settled; missing while the broker can't be asked.";
    SUBSCRIPTION = "subscription_status" Gauge
        "Whether a subscriber consumes its queue (1) or not (0): it waits for its connection or queue, or is paused.";
    CIRCUIT = "circuit_state" Gauge
        "How a circuit breaker is: closed (0), half open (1), open (2).";
    CONNECTION = "connection_status" Gauge
        "Whether all connections of a transport stand (1) or not (0); one that is blocked stands.";
    CONNECTIONS = "connections" Gauge
        "Connections of a transport, by their state; a blocked one stands, but its broker takes no messages, as when it is short of memory or disk.";
    RECONNECTS = "reconnects_total" Counter
        "How often connections were made again.";
    PUBLISHERS = "active_publishers" Gauge
        "Publishers: those with a name, and one without for each transport.";
    SUBSCRIBERS = "active_subscribers" Gauge
        "Subscribers that consume their queue.";
    ALERTS = "alerts_total" Counter
        "Alerts that were raised, by their kind.";
}
