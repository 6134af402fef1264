//! The named publishers. All of them publish in a transaction and in no other way: publishing around it does not compile.
//!
//! How orders ended is for whoever wants to know: nobody has to.

use swit::publisher;

use super::events::{OrderCancelled, OrderConfirmed, OrderPlaced, ShippingBooked, ShippingRequested};

/// Lets an order into the flow.
#[publisher(event = OrderPlaced, transactional)]
#[derive(Debug)]
pub(crate) struct OrderPlacedPublisher;

/// Asks for a carrier.
#[publisher(event = ShippingRequested, transactional)]
#[derive(Debug)]
pub(crate) struct ShippingRequestedPublisher;

/// Says who carries a parcel.
#[publisher(event = ShippingBooked, transactional)]
#[derive(Debug)]
pub(crate) struct ShippingBookedPublisher;

/// Says that an order went through.
#[publisher(event = OrderConfirmed, transactional, unrouted = "ignore")]
#[derive(Debug)]
pub(crate) struct OrderConfirmedPublisher;

/// Says that an order did not.
#[publisher(event = OrderCancelled, transactional, unrouted = "ignore")]
#[derive(Debug)]
pub(crate) struct OrderCancelledPublisher;
