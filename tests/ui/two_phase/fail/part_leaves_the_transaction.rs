use swit::{
    BoxError,
    two_phase::{Coordinator, MessagingParticipant},
};

async fn book(coordinator: Coordinator, messages: MessagingParticipant) {
    let booked = coordinator.execute(async |mut tx| {
        let part = tx.of(&messages)?;
        Ok::<_, BoxError>(part)
    });
    let _ = booked.await;
}

fn main() {}
