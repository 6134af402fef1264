//! The macro, and the list of behaviours.

/// Expands to one test a behaviour of the transport port.
///
/// Takes a name for the module of tests, a factory (`|| async { … }` that gives an `Arc<dyn Transport>`, connected or
/// not) and the capabilities that the transport has, by the names of the fields of
/// [`Capabilities`](crate::transport::Capabilities). Behaviours of other capabilities are left out, and one test fails
/// if the list is not what the transport says of itself.
#[macro_export]
macro_rules! transport_conformance {
    ($name:ident, $factory:expr, [$($capability:ident),* $(,)?]) => {
        mod $name {
            #[allow(unused_imports, reason = "a factory may need nothing of its surroundings")]
            use super::*;

            async fn transport() -> ::std::sync::Arc<dyn $crate::transport::Transport> {
                ($factory)().await
            }

            #[test]
            fn capabilities_are_as_listed() {
                $crate::conformance::run(transport, "claims", |rig| async move {
                    $crate::conformance::claims(&rig, &[$(stringify!($capability)),*]);
                });
            }

            $crate::__transport_behaviours!(always);
            $($crate::__transport_behaviours!($capability);)*
        }
    };
}

/// The behaviours that come with a capability.
#[doc(hidden)]
#[macro_export]
macro_rules! __transport_behaviours {
    (always) => {
        $crate::__transport_behaviours! { @
            carries_every_field carries_no_optional_field carries_every_kind_of_header carries_an_empty_payload
            carries_a_mebibyte carries_foreign_ids
            a_literal_topic_takes_itself_only groups_each_get_all publishing_to_nowhere_is_answered
            publishing_to_a_missing_queue_is_an_error a_queue_is_addressed_past_all_bindings
            subscribing_to_a_missing_queue_is_an_error an_existing_queue_must_exist declaring_alike_changes_nothing
            declaring_otherwise_is_an_error declaring_names_the_dead_letter_queue
            acknowledged_deliveries_stay_away dropped_deliveries_come_back requeued_deliveries_come_back_first
            what_comes_back_wakes_a_worker publishing_wakes_a_worker no_ack_needs_no_verdict prefetch_is_respected settling_frees_prefetch
            a_queue_keeps_its_order each_publisher_keeps_its_order deliveries_return_to_their_order
            a_group_shares_the_work workers_share_a_subscription a_slow_worker_strands_nothing a_busy_worker_strands_nothing
            concurrent_subscribers_get_each_message_once ten_thousand_publications_arrive_once
            a_late_worker_sees_old_messages closing_ends_polls closing_leaves_deliveries_to_be_settled
            resubscribing_continues a_dropped_subscription_gives_back an_exclusive_queue_goes_away
            a_single_active_consumer_gets_all a_closed_transport_refuses
            pausing_gives_back_what_is_not_out resuming_wakes_those_who_wait a_queue_is_withdrawn
        }
    };
    (patterns) => {
        $crate::__transport_behaviours! { @
            a_star_takes_one_word a_hash_takes_any_words several_patterns_take_once dead_letter_queues_match_no_pattern
        }
    };
    (delay) => {
        $crate::__transport_behaviours! { @
            delayed_messages_wait a_long_delay_holds_up_no_short_one delayed_copies_go_to_their_queue_alone
        }
    };
    (ttl) => {
        $crate::__transport_behaviours! { @ messages_in_time_arrive messages_too_late_are_dropped }
    };
    (delayed_ttl) => {
        $crate::__transport_behaviours! { @ a_time_to_live_begins_when_the_delay_is_over }
    };
    (priority) => {
        $crate::__transport_behaviours! { @ higher_priority_overtakes }
    };
    (reject) => {
        $crate::__transport_behaviours! { @
            rejected_deliveries_are_dead_lettered rejected_deliveries_without_dead_letter_queue_are_forgotten
        }
    };
    (redelivery_count) => {
        $crate::__transport_behaviours! { @ redeliveries_are_counted requeueing_is_not_counted }
    };
    (backpressure) => {
        $crate::__transport_behaviours! { @
            a_full_queue_makes_publishers_wait waiting_may_be_bounded replacing_never_waits
            those_who_wait_are_served_in_order a_publication_enters_all_queues_or_none
            a_circle_of_full_queues_moves
        }
    };
    (durable) => {};
    (inspect) => {
        $crate::__transport_behaviours! { @
            depth_counts_ready_and_unsettled browsing_takes_nothing queues_are_listed quiet_waits_for_settlement
        }
    };
    (@ $($behaviour:ident)*) => {
        $(#[test]
        fn $behaviour() {
            $crate::conformance::run(transport, stringify!($behaviour), $crate::conformance::$behaviour);
        })*
    };
}
