//! Values as keys take them: numbers, durations, names, lists, checked by the grammar that the macros use.

use std::time::Duration;

use swit_grammar::{
    Backoff, Fault, duration, name,
    publisher::{Batching, MAX_CAPACITY, check_compression, check_unrouted},
    size, topic,
};

use super::{
    ConsumerGroup, DeadLetters, Origin, Set, Url,
    assignment::{Assignment, Written},
};
use crate::{
    compression::Compression,
    event::Unrouted,
    limits::{MAX_PREFETCH, MAX_RETRIES},
    text::Text,
};

/// A value on its way to a key. A fault without help is completed with what the key takes.
pub(super) struct Given<'a> {
    pub(super) value: &'a toml::Value,
    pub(super) written: Written,
    pub(super) origin: &'a Origin,
}

impl<'a> From<&'a Assignment> for Given<'a> {
    fn from(assignment: &'a Assignment) -> Self {
        Self { value: &assignment.value, written: assignment.written, origin: &assignment.origin }
    }
}

/// Puts a value that was read into its place, with its layer. The earlier layer's value stays where it was refused.
pub(super) fn put<T>(slot: &mut Option<Set<T>>, given: &Given<'_>, value: Result<T, Fault>) -> Result<(), Fault> {
    *slot = Some(Set { value: value?, origin: given.origin.clone() });
    Ok(())
}

impl Given<'_> {
    fn refuse<T>(&self, wanted: &str) -> Result<T, Fault> {
        let found = match self.value {
            toml::Value::String(text) if self.written != Written::Typed => format!("`{}`", text.escape_debug()),
            toml::Value::String(_) => "text".into(),
            toml::Value::Integer(number) => format!("the number {number}"),
            toml::Value::Float(number) => format!("the number {number}"),
            toml::Value::Boolean(value) => format!("`{value}`"),
            toml::Value::Datetime(_) => "a date".into(),
            toml::Value::Array(_) => "a list".into(),
            toml::Value::Table(_) => "a table".into(),
        };
        Err(Fault::new(format!("{found} is not {wanted}"), ""))
    }

    fn plain(&self) -> Option<&str> {
        self.value.as_str().filter(|_| self.written != Written::Typed)
    }

    pub(super) fn text(&self) -> Result<&str, Fault> {
        self.value.as_str().map_or_else(|| self.refuse("text"), Ok)
    }

    pub(super) fn boolean(&self) -> Result<bool, Fault> {
        match (self.value, self.plain().map(str::trim)) {
            (toml::Value::Boolean(value), _) => Ok(*value),
            (_, Some("true")) => Ok(true),
            (_, Some("false")) => Ok(false),
            _ => self.refuse("`true` or `false`"),
        }
    }

    fn integer(&self) -> Result<i64, Fault> {
        let plain = self.plain().and_then(|text| text.trim().parse().ok());
        self.value.as_integer().or(plain).map_or_else(|| self.refuse("a whole number"), Ok)
    }

    pub(super) fn within(&self, from: u32, to: u32) -> Result<u32, Fault> {
        let number = self.integer()?;
        u32::try_from(number)
            .ok()
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| Fault::new(format!("{number} is not between {from} and {to}"), ""))
    }

    pub(super) fn workers(&self) -> Result<u32, Fault> {
        self.within(1, swit_grammar::limits::MAX_CONCURRENCY)
    }

    pub(super) fn prefetch(&self) -> Result<u32, Fault> {
        self.within(1, MAX_PREFETCH)
    }

    pub(super) fn retries(&self) -> Result<u32, Fault> {
        self.within(0, MAX_RETRIES)
    }

    /// A whole number that the grammar judges.
    pub(super) fn number(&self) -> Result<u32, Fault> {
        self.within(0, u32::MAX)
    }

    /// A number that the grammar judges.
    pub(super) fn share(&self) -> Result<f64, Fault> {
        let plain = self.plain().and_then(|text| text.trim().parse().ok());
        let whole = self.value.as_integer().map(|number| number as f64);
        self.value.as_float().or(whole).or(plain).map_or_else(|| self.refuse("a number"), Ok)
    }

    /// `true` or `false`; a table that says nothing more is `true`.
    pub(super) fn switch(&self) -> Result<bool, Fault> {
        if self.value.is_table() { Ok(true) } else { self.boolean() }
    }

    /// A table, which says that there is something below.
    pub(super) fn table(&self) -> Result<bool, Fault> {
        if self.value.is_table() { Ok(true) } else { self.refuse("a table") }
    }

    pub(super) fn order(&self) -> Result<i32, Fault> {
        let number = self.integer()?;
        i32::try_from(number).map_err(|_| Fault::new(format!("{number} does not fit into 32 bits"), ""))
    }

    /// A count from 1.
    pub(super) fn count(&self) -> Result<usize, Fault> {
        let number = self.integer()?;
        usize::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| Fault::new(format!("{number} is not a number from 1"), ""))
    }

    /// A size in bytes, from 1.
    pub(super) fn size(&self) -> Result<usize, Fault> {
        match self.value {
            toml::Value::String(text) => size::parse(text),
            _ => self.count(),
        }
    }

    pub(super) fn duration(&self) -> Result<Duration, Fault> {
        duration::parse_positive(self.text()?)
    }

    pub(super) fn backoff(&self) -> Result<Backoff, Fault> {
        Backoff::parse(self.text()?)
    }

    pub(super) fn name(&self) -> Result<Text, Fault> {
        let text = self.text()?.trim();
        name::check_name(text).map(|()| text.into())
    }

    /// Free text of one line, at most 255 bytes: it travels in headers and labels.
    pub(super) fn label(&self) -> Result<Text, Fault> {
        let text = self.text()?.trim();
        if text.is_empty() || text.len() > swit_grammar::limits::MAX_TOPIC || text.chars().any(char::is_control) {
            return Err(Fault::new("this is not one line of 1 to 255 bytes", ""));
        }
        Ok(text.into())
    }

    pub(super) fn group(&self) -> Result<ConsumerGroup, Fault> {
        match self.text()?.trim() {
            "per_instance" => Ok(ConsumerGroup::PerInstance),
            _ => self.name().map(ConsumerGroup::Named),
        }
    }

    pub(super) fn dead_letter(&self) -> Result<DeadLetters, Fault> {
        match self.boolean() {
            Ok(false) => Ok(DeadLetters::Discard),
            Ok(true) => self.refuse("a queue's name"),
            Err(_) => {
                let text = self.text()?.trim();
                name::check_queue(text).map(|()| DeadLetters::Queue(text.into()))
            }
        }
    }

    /// A batch, or `false` for none.
    pub(super) fn batch(&self) -> Result<Option<Batching>, Fault> {
        match self.boolean() {
            Ok(false) => Ok(None),
            Ok(true) => self.refuse("a batch"),
            Err(_) => Batching::parse(self.text()?).map(Some),
        }
    }

    pub(super) fn compression(&self) -> Result<Compression, Fault> {
        let name = self.text()?.trim();
        check_compression(name)?;
        let found = Compression::named(name).unwrap_or_default();
        found.check()?;
        Ok(found)
    }

    pub(super) fn capacity(&self) -> Result<u32, Fault> {
        self.within(1, MAX_CAPACITY)
    }

    pub(super) fn unrouted(&self) -> Result<Unrouted, Fault> {
        let text = self.text()?.trim();
        check_unrouted(text)?;
        Ok(match text {
            "error" => Unrouted::Error,
            "ignore" => Unrouted::Ignore,
            _ => Unrouted::Warn,
        })
    }

    pub(super) fn url(&self) -> Result<Url, Fault> {
        // `text` would show what it refuses, and a password may be a number.
        self.value.as_str().map_or_else(|| Err(Fault::new("this is not text", "")), Url::parse)
    }

    /// A list of texts: a list, one text, or in the environment several with commas between.
    pub(super) fn list(&self) -> Result<Vec<&str>, Fault> {
        match (self.value, self.plain()) {
            (_, Some(text)) => Ok(text.split(',').map(str::trim).collect()),
            (toml::Value::Array(items), _) => {
                items.iter().map(|item| item.as_str().map_or_else(|| self.refuse("a list of texts"), Ok)).collect()
            }
            _ => self.text().map(|text| vec![text]),
        }
    }

    pub(super) fn topics(&self) -> Result<Vec<Text>, Fault> {
        let topics = self.list()?;
        if topics.is_empty() {
            return Err(Fault::new(
                "the list is empty, so nothing would arrive",
                "to switch it off, set `enabled` to false",
            ));
        }
        for (number, pattern) in topics.iter().enumerate() {
            topic::check_pattern(pattern)?;
            if topics[..number].contains(pattern) {
                return Err(Fault::new(format!("the topic \"{pattern}\" is listed twice"), "remove one"));
            }
        }
        Ok(topics.into_iter().map(Into::into).collect())
    }

    /// Names of subscribers; whether they are known is checked where all names are.
    pub(super) fn names(&self) -> Result<Vec<Text>, Fault> {
        // An empty variable empties the list: the only way to take back what the file says.
        let names = self.list()?.into_iter().filter(|name| !name.is_empty());
        names.map(|name| name::check_name(name).map(|()| name.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ORIGIN: Origin = Origin::Builder;

    type Read<T> = fn(&Given<'static>) -> Result<T, Fault>;

    fn given<T>(value: toml::Value, written: Written, read: Read<T>) -> Result<T, String> {
        // Leaked, so that the readers can be named without a closure each.
        let given = Given { value: Box::leak(Box::new(value)), written, origin: &ORIGIN };
        read(&given).map_err(|fault| fault.message)
    }

    fn typed<T>(value: impl Into<toml::Value>, read: Read<T>) -> Result<T, String> {
        given(value.into(), Written::Typed, read)
    }

    fn plain<T>(text: &str, read: Read<T>) -> Result<T, String> {
        given(text.into(), Written::Plain, read)
    }

    #[test]
    fn the_environment_writes_everything_as_text() {
        assert_eq!(plain("5", Given::retries), Ok(5));
        assert_eq!(plain(" true ", Given::boolean), Ok(true));
        assert_eq!(plain("order.*, payment.#", Given::topics).map(|topics| topics.len()), Ok(2));
        assert_eq!(plain("false", Given::dead_letter), Ok(DeadLetters::Discard));
        assert_eq!(plain("", Given::names), Ok(vec![]));
        assert_eq!(plain("16MiB", Given::size), Ok(16 << 20));
        assert_eq!(plain("-5", Given::order), Ok(-5));
        assert_eq!(plain("yes", Given::boolean), Err("`yes` is not `true` or `false`".into()));
        assert_eq!(plain("many", Given::retries), Err("`many` is not a whole number".into()));
        assert_eq!(plain("true", Given::dead_letter), Err("`true` is not a queue's name".into()));
    }

    #[test]
    fn files_write_types() {
        assert_eq!(typed("5", Given::retries), Err("text is not a whole number".into()));
        assert_eq!(typed(101, Given::retries), Err("101 is not between 0 and 100".into()));
        assert_eq!(typed(0, Given::workers), Err("0 is not between 1 and 65535".into()));
        assert_eq!(typed(70_000, Given::prefetch), Err("70000 is not between 1 and 65535".into()));
        assert_eq!(typed(30, Given::duration), Err("the number 30 is not text".into()));
        assert_eq!(typed("30", Given::duration), Err("`30` has no unit".into()));
        assert_eq!(typed("soon", Given::backoff), Err("`soon` is not a backoff".into()));
        assert_eq!(typed(i64::MAX, Given::order), Err("9223372036854775807 does not fit into 32 bits".into()));
        assert_eq!(typed(0, Given::size), Err("0 is not a number from 1".into()));
        assert_eq!(typed("a b", Given::name), Err("the name `a b` holds the character ' '".into()));
        assert_eq!(typed("amq.x", Given::dead_letter), Err("the queue's name `amq.x` starts with `amq.`".into()));
        assert_eq!(typed(vec!["a", "a"], Given::topics), Err("the topic \"a\" is listed twice".into()));
        assert_eq!(typed(vec![1], Given::topics), Err("a list is not a list of texts".into()));
        assert!(typed(Vec::<String>::new(), Given::topics).is_err());
        assert_eq!(typed("a\nb", Given::label), Err("this is not one line of 1 to 255 bytes".into()));
        assert_eq!(typed(12_345, Given::url).map(|_| ()), Err("this is not text".into()));
        assert_eq!(typed("per_instance", Given::group), Ok(ConsumerGroup::PerInstance));
        assert_eq!(typed("billing", Given::group), Ok(ConsumerGroup::Named("billing".into())));
    }
}
