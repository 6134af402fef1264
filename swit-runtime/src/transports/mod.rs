//! stub
pub mod memory {
    //! stub
    use crate::{error::TransportError, transport::*};
    use std::sync::Arc;
    /// o
    #[derive(Debug, Clone, Default)]
    pub struct MemoryOptions {
        /** c */
        pub capacity: usize,
    }
    /// t
    #[derive(Debug)]
    pub struct MemoryTransport;
    impl MemoryTransport {
        /** n */
        pub fn new(_: impl Into<crate::text::Text>, _: MemoryOptions) -> Self {
            Self
        }
    }
    impl Transport for MemoryTransport {
        fn name(&self) -> &str {
            ""
        }
        fn system(&self) -> &'static str {
            ""
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }
        fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
            unreachable!()
        }
        fn declare<'a>(&'a self, _: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
            unreachable!()
        }
        fn subscribe<'a>(
            &'a self,
            _: SubscribeOptions,
        ) -> BoxFuture<'a, Result<Arc<dyn Subscription>, TransportError>> {
            unreachable!()
        }
        fn publisher(&self) -> Arc<dyn Publish> {
            unreachable!()
        }
        fn close(&self) -> BoxFuture<'_, ()> {
            unreachable!()
        }
    }
}
