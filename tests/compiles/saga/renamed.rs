//! Where swit has another name.

use serde::{Deserialize, Serialize};

use self::messaging::{Event, Tx, saga};

mod messaging {
    pub(super) use swit::{__private, Event, Tx, saga};
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = key, crate = messaging)]
struct Created {
    key: u8,
}

#[derive(Serialize, Deserialize)]
struct Renamed {
    key: u8,
}

#[saga(key = key, crate = messaging)]
impl Renamed {
    #[start]
    fn begin(event: Created) -> Self {
        Self { key: event.key }
    }

    #[step(compensate = undo)]
    async fn step(&self, _tx: Tx) -> Result<u8, std::io::Error> {
        Ok(self.key)
    }

    #[compensation]
    async fn undo(#[output] _step: u8) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[wait(key = key, no_compensation)]
    async fn wait(_event: Created, #[output(step)] _step: u8) -> Result<(), std::io::Error> {
        Ok(())
    }
}
