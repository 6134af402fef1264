//! Shows that the tests can fail: each runs once more with a mistake built into swit, and must notice it.

use std::process::Command;

/// The mistakes (`SWIT_SABOTAGE`), and the test that has to notice each.
const MISTAKES: [(&str, &str); 25] = [
    ("take_any_return", "publishing::each_caller_learns_its_own_result_in_whatever_order_they_come"),
    ("take_a_nack_for_an_ack", "publishing::each_caller_learns_its_own_result_in_whatever_order_they_come"),
    ("wait_for_ever", "publishing::what_is_never_confirmed_is_unknown"),
    ("confirm_what_is_lost", "publishing::nonsense_confirms_nothing_and_does_not_last"),
    ("take_any_return", "publishing::exactly_the_unroutable_fail"),
    ("take_a_nack_for_an_ack", "publishing::what_a_full_queue_refuses_is_an_error_and_can_be_tried_again"),
    ("take_a_nack_for_an_ack", "publishing::an_input_whose_output_is_refused_is_kept"),
    ("retry_what_is_poison", "payloads::what_is_poison_is_a_dead_letter_at_the_first_attempt"),
    ("wait_for_ever", "alarms::an_alarm_of_memory_is_survived"),
    ("keep_what_nobody_waits_for", "alarms::an_alarm_of_memory_is_survived"),
    ("wait_for_ever", "alarms::an_alarm_of_the_disk_is_survived"),
    ("show_the_password", "secrets::no_log_shows_the_password"),
    ("show_the_password", "secrets::no_error_shows_the_password"),
    ("leak_after_a_panic", "storms::a_storm_of_panics_loses_nothing_and_leaks_no_place"),
    ("forget_a_requeue", "storms::what_is_requeued_fifty_times_is_done_once"),
    ("skip_a_delivery", "storms::what_consumers_give_back_is_done_or_a_dead_letter"),
    ("skip_a_delivery", "storms::duplicates_are_done_as_often_as_they_were_published"),
    ("delay_all_alike", "delays::a_short_delay_is_not_behind_a_long_one"),
    ("copy_twice", "copies::a_crash_after_a_copy_makes_one_duplicate"),
    ("skip_a_delivery", "backlog::a_backlog_stays_at_the_broker"),
    ("prefetch_all", "backlog::a_backlog_stays_at_the_broker"),
    ("stay_down", "timeouts::a_handler_that_takes_too_long_costs_its_channel_and_nothing_else"),
    ("stay_down", "headers::keys_that_are_no_text_end_as_dead_letters"),
    ("retry_what_is_poison", "interoperation::what_others_publish_in_vain_is_given_up_for_a_reason"),
    ("forget_the_id", "interoperation::others_read_what_is_published"),
];

/// Takes about as long as the tests do, and as long as their patience where the mistake is that nothing happens. `SWIT_ONLY`
/// names a part of the mistakes or tests that are wanted.
#[test]
#[ignore = "runs the other tests again, each to fail: cargo test -p swit-faults --test faults mistakes -- --ignored"]
fn every_mistake_is_noticed() {
    let only = std::env::var("SWIT_ONLY").unwrap_or_default();
    let mut unnoticed = Vec::new();
    for (mistake, test) in
        MISTAKES.into_iter().filter(|(mistake, test)| mistake.contains(&only) || test.contains(&only))
    {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env("SWIT_SABOTAGE", mistake)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let noticed = !output.status.success() && said.contains("1 failed");
        let why = said.lines().skip_while(|line| !line.contains("panicked at")).nth(1).unwrap_or_default();
        let why: String = why.chars().take(160).collect();
        println!("{mistake} in {test}: {}: {why}", if noticed { "noticed" } else { "NOT NOTICED" });
        if !noticed {
            unnoticed.push((mistake, test));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}
