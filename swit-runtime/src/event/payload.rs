//! What a type must be for each codec, and the functions by which the derive reads and writes it.
//!
//! JSON and MessagePack are serde's, Protocol Buffers are prost's: a type needs what its own codecs need and nothing
//! else. The functions are there without their feature too, so that a codec that is not compiled in is told once, by
//! [`codec_is_compiled_in`](crate::contract::codec_is_compiled_in), and by nothing else.

use serde::{Serialize, de::DeserializeOwned};

#[cfg(any(feature = "json", feature = "msgpack", feature = "protobuf"))]
use crate::codec;
#[cfg(not(all(feature = "json", feature = "msgpack", feature = "protobuf")))]
use crate::codec::Codec;
use crate::codec::{DecodeError, EncodeError};

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

/// Reads a payload of JSON. Called by the derive.
///
/// # Errors
/// Everything of [`DecodeError`].
#[inline]
pub fn read_json<T: Read>(payload: &[u8]) -> Result<T, DecodeError> {
    #[cfg(feature = "json")]
    return codec::json::decode(payload);
    #[cfg(not(feature = "json"))]
    return not_readable(Codec::Json, payload);
}

/// Writes a payload of JSON. Called by the derive.
///
/// # Errors
/// The value refuses to be serialized.
#[inline]
pub fn write_json<T: Written>(value: &T) -> Result<Vec<u8>, EncodeError> {
    #[cfg(feature = "json")]
    return codec::json::encode(value);
    #[cfg(not(feature = "json"))]
    return not_writable(Codec::Json, value);
}

/// Reads a payload of MessagePack. Called by the derive.
///
/// # Errors
/// Everything of [`DecodeError`].
#[inline]
pub fn read_msgpack<T: Read>(payload: &[u8]) -> Result<T, DecodeError> {
    #[cfg(feature = "msgpack")]
    return codec::msgpack::decode(payload);
    #[cfg(not(feature = "msgpack"))]
    return not_readable(Codec::MsgPack, payload);
}

/// Writes a payload of MessagePack. Called by the derive.
///
/// # Errors
/// The value refuses to be serialized.
#[inline]
pub fn write_msgpack<T: Written>(value: &T) -> Result<Vec<u8>, EncodeError> {
    #[cfg(feature = "msgpack")]
    return codec::msgpack::encode(value);
    #[cfg(not(feature = "msgpack"))]
    return not_writable(Codec::MsgPack, value);
}

/// Reads a payload of Protocol Buffers. Called by the derive.
///
/// # Errors
/// Everything of [`DecodeError`].
#[inline]
pub fn read_protobuf<T: ProtobufMessage>(payload: &[u8]) -> Result<T, DecodeError> {
    #[cfg(feature = "protobuf")]
    return codec::protobuf::decode(payload);
    #[cfg(not(feature = "protobuf"))]
    return not_readable(Codec::Protobuf, payload);
}

/// Writes a payload of Protocol Buffers. Called by the derive.
///
/// # Errors
/// The value refuses to be serialized.
#[inline]
pub fn write_protobuf<T: ProtobufMessage>(value: &T) -> Result<Vec<u8>, EncodeError> {
    #[cfg(feature = "protobuf")]
    return codec::protobuf::encode(value);
    #[cfg(not(feature = "protobuf"))]
    return not_writable(Codec::Protobuf, value);
}

/// What a codec that is not compiled in makes of a payload. Not reached: the contract does not hold.
#[cfg(not(all(feature = "json", feature = "msgpack", feature = "protobuf")))]
fn not_readable<T>(codec: Codec, _payload: &[u8]) -> Result<T, DecodeError> {
    Err(DecodeError::Malformed { type_name: super::short_type_name::<T>(), source: absent(codec).into() })
}

/// What a codec that is not compiled in makes of a value. Not reached: the contract does not hold.
#[cfg(not(all(feature = "json", feature = "msgpack", feature = "protobuf")))]
fn not_writable<T>(codec: Codec, _value: &T) -> Result<Vec<u8>, EncodeError> {
    Err(EncodeError { type_name: super::short_type_name::<T>(), source: absent(codec).into() })
}

#[cfg(not(all(feature = "json", feature = "msgpack", feature = "protobuf")))]
fn absent(codec: Codec) -> String {
    format!("the codec \"{0}\" is not compiled in; enable the feature `{0}` of `swit`", codec.name())
}
