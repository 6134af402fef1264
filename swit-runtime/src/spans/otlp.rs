//! `exporter = "otlp"`: spans go to a collector, over gRPC or HTTP.
