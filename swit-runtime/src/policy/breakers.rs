//! All breakers of a service, by name.
//!
//! Guarantee: of one name there is one breaker, as long as a subscriber has it, and all who have it want the same of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use swit_grammar::breaker::Limits;

use super::Breaker;
use crate::{alert::Alerts, text::Text};

/// All breakers of a service.
#[derive(Debug)]
pub(crate) struct Breakers {
    alerts: Alerts,
    known: Mutex<HashMap<Text, Weak<Breaker>>>,
}

impl Breakers {
    pub(crate) fn new(alerts: Alerts) -> Self {
        Self { alerts, known: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Text, Weak<Breaker>>> {
        // Nothing panics while it is held.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The breaker of this name; made, if nobody has it.
    ///
    /// # Errors
    /// Somebody has it who wants something else of it: where that is written.
    pub(crate) fn take(&self, name: &Text, limits: Limits, place: &str) -> Result<Arc<Breaker>, Text> {
        let mut known = self.lock();
        known.retain(|_, breaker| breaker.strong_count() > 0);
        if let Some(breaker) = known.get(name).and_then(Weak::upgrade) {
            return if breaker.limits() == limits { Ok(breaker) } else { Err(breaker.place().clone()) };
        }
        let breaker = Arc::new(Breaker::new(name.clone(), Text::from(place.to_owned()), limits, self.alerts.clone()));
        known.insert(name.clone(), Arc::downgrade(&breaker));
        Ok(breaker)
    }

    /// The breaker of this name, if a subscriber has it.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Breaker>> {
        self.lock().get(name)?.upgrade()
    }
}
