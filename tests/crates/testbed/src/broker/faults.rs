//! What a node can be made to suffer.

use std::time::{Duration, Instant};

use super::{Broker, control::binary};

impl Broker {
    /// Stops RabbitMQ and leaves its Erlang running, like `rabbitmqctl stop_app`.
    #[track_caller]
    pub fn stop_app(&self) {
        self.eval("rabbit:stop()");
    }

    /// Starts RabbitMQ again after [`stop_app`](Self::stop_app), and waits until it is up and its quorum queues have leaders.
    #[track_caller]
    pub fn start_app(&self) {
        self.eval("rabbit:start()");
        self.wait_until_up();
        self.elect_leaders();
    }

    /// Kills the node with SIGKILL, as a crash does, and waits until it is gone.
    ///
    /// RabbitMQ writes the name of a new quorum queue half a second after its declaration; a crash before that loses the
    /// queue with all that was confirmed. No client can help it, so that the names are written first.
    pub fn kill(&self) {
        // In vain where the node is frozen or down.
        let _ = self.run_within(2, "[dets:sync(Table) || Table <- dets:all()]");
        self.guardian.kill();
    }

    /// Starts the node again with the same data and ports, and waits until it is up and its quorum
    /// queues have leaders. A node that still runs is killed.
    pub fn restart(&self) {
        self.launch().unwrap_or_else(|error| panic!("{error}"));
        self.elect_leaders();
    }

    /// Stops the node's process with SIGSTOP: its connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.guardian.freeze();
    }

    /// Lets the node go on after [`freeze`](Self::freeze).
    pub fn thaw(&self) {
        self.guardian.thaw();
    }

    /// Closes every client's connection by `connection.close`. Answers how many there were.
    #[track_caller]
    pub fn close_all_connections(&self, reason: &str) -> usize {
        let closed = self.eval(&format!(
            "C = rabbit_networking:connections_local(), ok = rabbit_networking:close_connections(C, {}), length(C)",
            binary(reason)
        ));
        closed.parse().expect("a number of connections")
    }

    /// The share of memory above which publishers are blocked: 0.4 from the start; 0.0001 raises the alarm.
    #[track_caller]
    pub fn set_vm_memory_high_watermark(&self, share: f64) {
        self.eval(&format!("vm_memory_monitor:set_vm_memory_high_watermark({share:.9})"));
    }

    /// The free bytes of the disk below which publishers are blocked: 50 MB from the start.
    #[track_caller]
    pub fn set_disk_free_limit(&self, bytes: u64) {
        self.eval(&format!("rabbit_disk_monitor:set_disk_free_limit({bytes})"));
    }

    /// Waits until the node takes connections.
    #[track_caller]
    pub fn wait_until_up(&self) {
        let began = Instant::now();
        while !self.is_up() {
            assert!(began.elapsed() < Duration::from_mins(1), "the node is not up: {}", self.node.last_words());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the node takes connections.
    pub fn is_up(&self) -> bool {
        // While the start is not wholly over, a stop followed by a start would be taken for that start, and ignored.
        let up = self.try_eval("rabbit:is_running() andalso whereis(rabbit_boot) =:= undefined");
        up.is_ok_and(|value| value == "true")
    }
}
