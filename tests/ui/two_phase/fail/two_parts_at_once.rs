use swit::{
    BoxError, Statement,
    stores::PostgresParticipant,
    two_phase::Coordinator,
};

async fn book(coordinator: Coordinator, from: PostgresParticipant, to: PostgresParticipant) {
    let booked = coordinator.execute(async |mut tx| {
        let (from, to) = (tx.of(&from)?, tx.of(&to)?);
        from.execute(Statement::new("UPDATE account SET cents = cents - 1")).await?;
        to.execute(Statement::new("UPDATE account SET cents = cents + 1")).await?;
        Ok::<_, BoxError>(())
    });
    let _ = booked.await;
}

fn main() {}
