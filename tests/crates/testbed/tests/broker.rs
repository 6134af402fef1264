//! Private nodes: their life, their faults and their end.

use swit_testbed::Broker;

#[test]
fn a_node_starts_crashes_and_comes_back() {
    let broker = Broker::start();
    assert_eq!(broker.eval("{rabbit:is_running(), <<\"ü\"/utf8>>}."), "{true,<<\"ü\"/utf8>>}");
    broker.kill();
    assert!(!broker.is_up());
    broker.restart();
    broker.stop_app();
    assert!(!broker.is_up());
    broker.start_app();
    assert!(broker.ctl(&["list_queues"]).trim().is_empty());
}
