//! Fault tests are run against a build whose guarantees are broken, and have to notice.
//!
//! Each of them runs this very binary again, with one test and one sabotage. They are slow, since what is waited for in
//! vain takes all the time that it may take: `scripts/soak` runs them, and so does `cargo test … -- --ignored`.

use std::process::Command;

/// Runs a test of this binary against a sabotaged build: it fails, and says what is broken.
fn is_noticed(sabotage: &str, test: &str, says: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SWIT_SABOTAGE", sabotage)
        .env("SWIT_FAULTS_PATIENCE", "35")
        .env_remove("SWIT_SOAK_MINUTES")
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("running 1 test"), "there is no test `{test}`");
    assert!(!output.status.success(), "`{test}` does not notice `{sabotage}`\n{said}");
    assert!(said.contains(says), "`{test}` fails by `{sabotage}`, but does not say {says:?}\n{said}");
}

macro_rules! sabotages {
    ($($name:ident: $sabotage:literal, $test:literal, $says:literal;)*) => {$(
        #[test]
        #[ignore = "slow: scripts/soak runs it"]
        fn $name() {
            is_noticed($sabotage, $test, $says);
        }
    )*};
}

sabotages! {
    ack_before_handler: "ack_before_handler", "consumers::a_handler_killed_at_any_point_loses_nothing", "all is done: not within";
    confirming_what_was_only_sent: "trust_unconfirmed", "producers::a_producer_killed_in_a_batch_loses_and_invents_nothing", "all is done: not within";
    no_resubscribing_after_a_restart: "no_resubscribe", "broker::a_broker_that_restarts_five_times_loses_nothing", "F: work resumes: not within";
    no_resubscribing_after_a_crash: "no_resubscribe", "broker::a_broker_that_crashes_loses_nothing", "F: work resumes: not within";
    no_resubscribing_after_a_close: "no_resubscribe", "broker::connections_that_are_closed_are_opened_again", "F: work resumes: not within";
    confirming_what_was_cut: "trust_unconfirmed", "links::a_link_cut_after_any_byte_of_a_publication_loses_and_invents_nothing", "A: lost";
    no_heartbeat: "no_heartbeat", "links::a_half_open_link_is_given_up_in_time", "F: work resumes: not within";
    confirming_what_was_not_answered: "trust_unconfirmed", "producers::a_lost_confirmation_is_an_unknown_outcome", "the outcome is unknown: not within";
    impatience: "impatience", "links::a_slow_link_is_not_held_for_dead", "a link that is slow is not dead";
    no_resubscribing_after_a_freeze: "no_resubscribe", "broker::a_broker_that_freezes_is_found_again", "F: work resumes: not within";
    no_resubscribing_after_a_deletion: "no_resubscribe", "topology::a_queue_deleted_under_its_consumer_is_made_again", "`faults.handle` holds None";
    ack_before_copy_without_a_queue: "ack_before_copy", "topology::without_a_dead_letter_queue_the_source_keeps_its_messages", "A: of 60 messages";
    ack_before_copy_with_a_full_queue: "ack_before_copy", "topology::with_a_full_dead_letter_queue_the_source_keeps_its_messages", "A: of 60 messages";
    insisting_on_topology: "insist_on_topology", "topology::topology_that_differs_is_one_clear_error", "it did not end within";
    no_generation_fence: "no_generation_fence", "crashes::a_verdict_on_a_delivery_of_a_lost_connection_goes_nowhere", "A: what is held is not acknowledged";
    no_suspects: "no_suspects", "crashes::a_message_that_kills_its_process_is_dead_lettered_alone", "the killer, and no innocent";
    abandoned_handlers: "abandon_handlers", "shutdown::a_shutdown_waits_for_its_handlers", "all that had begun was finished";
    dead_letters_by_the_brokers_binding: "dead_letter_by_reject", "topology::an_unbound_dead_letter_queue_still_takes_our_dead_letters", "not within";
    no_deadline: "no_deadline", "shutdown::a_shutdown_ends_at_its_deadline", "it did not end within";
    no_deadline_while_blocked: "no_deadline", "shutdown::a_shutdown_ends_at_its_deadline_while_publishing_is_blocked", "it says that something was not finished";
    ack_before_copy_with_a_full_delay_queue: "ack_before_copy", "topology::a_delay_queue_that_is_full_or_deleted_loses_no_retry", "A: of 60 messages";
    ack_before_handler_at_the_deadline: "ack_before_handler", "shutdown::a_second_signal_ends_a_shutdown_at_once", "all is done: not within";
    pulling_while_open: "pull_while_open", "breakers::a_partner_that_is_down_stops_its_subscriber_and_nobody_else", "it opens within its threshold";
    counting_what_waited: "count_what_waited", "breakers::what_waits_for_longer_than_the_broker_allows_is_no_suspect", "to wait is no crash";
    committing_undecided: "commit_undecided", "transactions::a_process_killed_at_any_boundary_leaves_all_or_nothing", "all or none";
    leaving_in_doubt: "leave_in_doubt", "transactions::a_service_goes_on_with_what_its_predecessor_left", "it did not end within";
    no_resubscribing_after_exhaustion: "no_resubscribe", "resources::file_descriptors_that_are_exhausted_and_come_back", "F: work resumes: not within";
    ack_before_commit_on_postgres: "ack_before_handler", "once::kills::on_postgres::a_service_killed_at_any_point_does_everything_once", "A: lost";
    no_claim_after_a_kill_on_postgres: "forget_the_claim", "once::kills::on_postgres::a_service_killed_at_any_point_does_everything_once", "C: twice";
    publishing_before_the_commit_on_postgres: "publish_before_commit", "once::transactions::on_postgres::a_producer_killed_in_its_transactions_publishes_what_it_committed", "B: invented";
    removal_before_the_confirmation_on_postgres: "remove_before_confirm", "once::relays::on_postgres::a_lost_confirmation_is_published_again_under_the_same_id", "A: lost";
    no_takeover_on_postgres: "no_takeover", "once::relays::on_postgres::what_a_dead_relay_had_is_published_in_order_by_another", "all is drained: not within";
    the_last_first_on_postgres: "last_first", "once::relays::on_postgres::what_a_dead_relay_had_is_published_in_order_by_another", "out of order";
    no_claim_of_what_comes_three_times_on_postgres: "forget_the_claim", "once::duplicates::on_postgres::what_comes_three_times_is_done_once", "C: twice";
    ack_before_commit_on_sqlite: "ack_before_handler", "once::kills::on_sqlite::a_service_killed_at_any_point_does_everything_once", "A: lost";
    no_claim_after_a_kill_on_sqlite: "forget_the_claim", "once::kills::on_sqlite::a_service_killed_at_any_point_does_everything_once", "C: twice";
    publishing_before_the_commit_on_sqlite: "publish_before_commit", "once::transactions::on_sqlite::a_producer_killed_in_its_transactions_publishes_what_it_committed", "B: invented";
    removal_before_the_confirmation_on_sqlite: "remove_before_confirm", "once::relays::on_sqlite::a_lost_confirmation_is_published_again_under_the_same_id", "A: lost";
    no_takeover_on_sqlite: "no_takeover", "once::relays::on_sqlite::what_a_dead_relay_had_is_published_in_order_by_another", "all is drained: not within";
    the_last_first_on_sqlite: "last_first", "once::relays::on_sqlite::what_a_dead_relay_had_is_published_in_order_by_another", "out of order";
    no_claim_of_what_comes_three_times_on_sqlite: "forget_the_claim", "once::duplicates::on_sqlite::what_comes_three_times_is_done_once", "C: twice";
    trusting_a_commit_without_an_answer: "trust_a_lost_commit", "once::servers::a_commit_that_is_not_answered_is_done_once", "A: lost";
    no_claim_behind_a_commit_without_an_answer: "forget_the_claim", "once::servers::a_commit_that_is_not_answered_is_done_once", "C: twice";
    no_claim_behind_a_crash_of_the_server: "forget_the_claim", "once::servers::a_server_that_crashes_leaves_everything_done_once", "C: twice";
    deadlocks_are_final: "conflicts_are_final", "once::conflicts::a_deadlock_is_tried_again", "all is drained: not within";
    serialization_failures_are_final: "conflicts_are_final", "once::conflicts::a_serialization_failure_is_tried_again", "all is drained: not within";
}
