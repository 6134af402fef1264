use swit::{
    BoxError, Statement,
    two_phase::{Coordinator, MessagingParticipant},
};

async fn book(coordinator: Coordinator, messages: MessagingParticipant) {
    let booked = coordinator.execute(async |mut tx| {
        tx.of(&messages)?.execute(Statement::new("UPDATE account SET cents = 0")).await?;
        Ok::<_, BoxError>(())
    });
    let _ = booked.await;
}

fn main() {}
