//! What a type must be for each codec, and the functions by which the derive reads and writes it.
//!
//! JSON and MessagePack are serde's, Protocol Buffers are prost's: a type needs what its own codecs need and nothing
//! else. The functions are there without their feature too, so that a codec that is not compiled in is told once, by
//! [`codec_is_compiled_in`](crate::contract::codec_is_compiled_in), and by nothing else.

use serde::{Serialize, de::DeserializeOwned};

use crate::codec::{self, Codec, DecodeError, EncodeError};

/// A type that can be an event's payload: it can be written. For all that are `Serialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` derives `Event`, but can't be written: it is not `Serialize`",
    label = "not `Serialize`",
    note = "derive both directions beside it: `#[derive(Serialize, Deserialize, Event)]`"
)]
pub trait Written: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Written for T {}

/// A type that can be an event's payload: it can be read. For all that are `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` derives `Event`, but can't be read: it is not `Deserialize`, or borrows from its input",
    label = "not `DeserializeOwned`",
    note = "derive both directions beside it: `#[derive(Serialize, Deserialize, Event)]`, and own what it holds: `String`, not `&str`"
)]
pub trait Read: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> Read for T {}

/// A type that can be an event's payload in Protocol Buffers. For all that are `prost::Message` and `Default`.
#[cfg(feature = "protobuf")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` derives `Event` with the codec \"protobuf\", but is no protobuf message",
    label = "not `prost::Message`",
    note = "derive it beside it: `#[derive(Clone, PartialEq, prost::Message, Event)]`, with `#[prost(…)]` at each field",
    note = "it must be the `Message` of prost 0.14, the version that swit is built with"
)]
pub trait ProtobufMessage: prost::Message + Default {}

#[cfg(feature = "protobuf")]
#[diagnostic::do_not_recommend]
impl<T: prost::Message + Default> ProtobufMessage for T {}

/// Without the feature `protobuf` every type is one: what is wrong is that the feature is missing.
#[cfg(not(feature = "protobuf"))]
pub trait ProtobufMessage {}

#[cfg(not(feature = "protobuf"))]
impl<T> ProtobufMessage for T {}

macro_rules! functions {
    ($($feature:literal, $module:ident, $codec:expr, $readable:ident, $writable:ident: $read:ident, $write:ident;)*) => { $(
        /// Reads a payload by this codec.
        ///
        /// # Errors
        /// Everything of [`DecodeError`].
        #[inline]
        pub fn $read<T: $readable>(payload: &[u8]) -> Result<T, DecodeError> {
            #[cfg(feature = $feature)]
            return codec::$module::decode(payload);
            #[cfg(not(feature = $feature))]
            return Err(DecodeError::Malformed {
                type_name: super::short_type_name::<T>(),
                source: absent($codec, payload).into(),
            });
        }

        /// Writes a payload by this codec.
        ///
        /// # Errors
        /// The value refuses to be serialized.
        #[inline]
        pub fn $write<T: $writable>(value: &T) -> Result<Vec<u8>, EncodeError> {
            #[cfg(feature = $feature)]
            return codec::$module::encode(value);
            #[cfg(not(feature = $feature))]
            return Err(EncodeError { type_name: super::short_type_name::<T>(), source: absent($codec, value).into() });
        }
    )* };
}

functions! {
    "json", json, Codec::Json, Read, Written: read_json, write_json;
    "msgpack", msgpack, Codec::MsgPack, Read, Written: read_msgpack, write_msgpack;
    "protobuf", protobuf, Codec::Protobuf, ProtobufMessage, ProtobufMessage: read_protobuf, write_protobuf;
}

/// What a codec that is not compiled in says of whatever it is given.
#[cfg_attr(
    all(feature = "json", feature = "msgpack", feature = "protobuf"),
    expect(dead_code, reason = "every codec is compiled in")
)]
fn absent<T: ?Sized>(codec: Codec, _of: &T) -> String {
    format!("the codec \"{0}\" is not compiled in; enable the feature `{0}` of `swit`", codec.name())
}
