//! What a figure is called where others collect it: the names and labels of
//! the `metrics` facade (feature `metrics`).

/// The name of a figure, and what it is.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "names are for the facade"))]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Count,
    Bytes,
    Seconds,
}

/// Names and values that tell apart the figures of one series.
pub(crate) type Labels<'a> = &'a [(&'static str, &'static str)];

/// A series of counts.
pub(crate) const fn total(name: &'static str, about: &'static str) -> Series {
    Series { name, about, unit: Unit::Count }
}

/// A series of durations.
pub(crate) const fn seconds(name: &'static str, about: &'static str) -> Series {
    Series { name, about, unit: Unit::Seconds }
}

#[cfg(feature = "metrics")]
mod facade {
    use super::{Labels, Series, Unit};

    static METADATA: metrics::Metadata<'static> =
        metrics::Metadata::new(env!("CARGO_CRATE_NAME"), metrics::Level::INFO, Some(module_path!()));

    impl Series {
        fn key(self, labels: Labels<'_>) -> metrics::Key {
            let label = |(name, value): &(&'static str, &'static str)| metrics::Label::from_static_parts(name, value);
            metrics::Key::from_parts(self.name, labels.iter().map(label).collect::<Vec<_>>())
        }

        const fn unit(self) -> metrics::Unit {
            match self.unit {
                Unit::Count => metrics::Unit::Count,
                Unit::Bytes => metrics::Unit::Bytes,
                Unit::Seconds => metrics::Unit::Seconds,
            }
        }

        /// A counter of the recorder that is installed now.
        pub(in crate::metrics) fn counter(self, labels: Labels<'_>) -> metrics::Counter {
            metrics::with_recorder(|recorder| {
                recorder.describe_counter(self.name.into(), Some(self.unit()), self.about.into());
                recorder.register_counter(&self.key(labels), &METADATA)
            })
        }

        /// A histogram of the recorder that is installed now.
        pub(in crate::metrics) fn histogram(self, labels: Labels<'_>) -> metrics::Histogram {
            metrics::with_recorder(|recorder| {
                recorder.describe_histogram(self.name.into(), Some(self.unit()), self.about.into());
                recorder.register_histogram(&self.key(labels), &METADATA)
            })
        }
    }
}
