//! Records that are changed by storage.

use std::any::Any;

use memory_core::limits::MAX_KEY_TEXT;
use memory_core::{Episode, Record};
use serde_json::{Value, json};

/// Changes the JSON of a record. A record without JSON, such as one with a NaN,
/// is unchanged.
fn edited<R: Record>(record: &R, edit: impl FnOnce(&mut Value)) -> R {
    let Ok(mut value) = serde_json::to_value(record) else { return record.clone() };
    edit(&mut value);
    serde_json::from_value(value).unwrap_or_else(|_| record.clone())
}

pub(crate) fn without_reflection<R: Record>(record: &R) -> R {
    edited(record, |value| {
        if let Some(reflection) = value.get_mut("reflection") {
            *reflection = Value::Null;
        }
    })
}

pub(crate) fn with_real_metadata<R: Record>(record: &R) -> R {
    edited(record, |value| {
        for value in value["metadata"].as_object_mut().into_iter().flat_map(|metadata| metadata.values_mut()) {
            if let Some(rounded) = value.as_f64() {
                *value = json!(rounded);
            }
        }
    })
}

pub(crate) fn with_coarse_times<R: Record>(record: &R) -> R {
    edited(record, |value| {
        let fields = value.as_object_mut().into_iter().flat_map(|fields| fields.iter_mut());
        for (_, value) in fields.filter(|(name, _)| name.ends_with("_time") || name.ends_with("_at")) {
            if let Some(time) = value.as_str().and_then(|text| text.strip_suffix('Z')) {
                *value = json!(format!("{}000Z", &time[..time.len() - 3]));
            }
        }
    })
}

pub(crate) fn with_clamped_rates<R: Record>(record: &R) -> R {
    edited(record, |value| {
        for pointer in ["/confidence", "/success_rate", "/evidence/success_rate"] {
            if let Some(rate) = value.pointer_mut(pointer) {
                *rate = json!(rate.as_f64().unwrap_or_default().clamp(0.0, 1.0));
            }
        }
    })
}

/// Rebuilds the metadata of an episode from its readable parts.
pub(crate) fn with_null_for_nan<R: Record>(record: &R) -> R {
    let mut record = record.clone();
    if let Some(episode) = (&mut record as &mut dyn Any).downcast_mut::<Episode>() {
        episode.metadata = episode.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    }
    record
}

/// Truncates the record's domain, as a column of limited width would.
pub(crate) fn with_short_domain<R: Record>(record: &R) -> R {
    edited(record, |value| {
        if let Some(domain) = value.pointer_mut("/context/domain")
            && let Some(text) = domain.as_str().filter(|text| text.len() <= MAX_KEY_TEXT)
        {
            *domain = json!(text.chars().take(255).collect::<String>());
        }
    })
}

pub(crate) fn without_negative_zero<R: Record>(record: &R) -> R {
    fn walk(value: &mut Value) {
        match value {
            Value::Number(number) if number.as_f64() == Some(0.0) && number.is_f64() => *value = json!(0.0),
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(fields) => fields.values_mut().for_each(walk),
            _ => {}
        }
    }
    edited(record, walk)
}

/// Returns the new record, with missing values taken from the old one.
pub(crate) fn merged<R: Record>(old: &R, new: &R) -> R {
    let Ok(old) = serde_json::to_value(old) else { return new.clone() };
    edited(new, |value| {
        for (name, value) in value.as_object_mut().into_iter().flat_map(|fields| fields.iter_mut()) {
            if value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty) {
                *value = old[name].clone();
            }
        }
    })
}
