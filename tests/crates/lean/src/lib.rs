//! Events whose codec is not compiled in, and a schema that is not.

#[cfg(feature = "json")]
pub mod json {
    //! JSON, which nothing names: it is the default.

    use serde::{Deserialize, Serialize};

    /// An event.
    #[derive(Debug, Serialize, Deserialize, swit::Event)]
    #[event(topic = "order.created")]
    pub struct OrderCreated {
        /// Its id.
        pub id: u64,
    }
}

#[cfg(feature = "msgpack")]
pub mod msgpack {
    //! MessagePack.

    use serde::{Deserialize, Serialize};

    /// An event.
    #[derive(Debug, Serialize, Deserialize, swit::Event)]
    #[event(topic = "order.created", codec = "msgpack")]
    pub struct OrderCreated {
        /// Its id.
        pub id: u64,
    }
}

#[cfg(feature = "protobuf")]
pub mod protobuf {
    //! Protocol Buffers.

    /// An event; it need not be a message, since there is no prost to say what one is.
    #[derive(Debug, swit::Event)]
    #[event(topic = "order.created", codecs = ["protobuf"])]
    pub struct OrderCreated {
        /// Its id.
        pub id: u64,
    }
}

#[cfg(feature = "schema")]
pub mod schema {
    //! A JSON Schema; the type need not have one, since there is no schemars to say what one is.

    use serde::{Deserialize, Serialize};

    /// An event.
    #[derive(Debug, Serialize, Deserialize, swit::Event)]
    #[event(topic = "order.created")]
    pub struct OrderCreated {
        /// Its id.
        pub id: u64,
    }

    /// A subscriber.
    #[swit::subscriber(validate = schema)]
    pub async fn reserve(_order: OrderCreated) {}
}
