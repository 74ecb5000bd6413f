//! From the file to topics and channels.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nsq_protocol::name::{ChannelName, TopicName};
use serde_json::{Map, Value};

use super::{ChannelMeta, Metadata, MetadataError, TopicMeta, file_path};

/// What a data directory held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What is to be created. Ephemeral names are among it, and gone from the next file.
    pub metadata: Metadata,
    /// What was left out, in the order of the file; each is worth a warning.
    pub skipped: Vec<Skipped>,
}

/// Something that the file holds and nothing was made of. Shows as the warning to log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skipped {
    /// A topic whose name is not valid, with all its channels.
    Topic(String),
    /// A channel whose name is not valid.
    Channel(String),
    /// The whole file: it is `null`, which no nsqd writes.
    ///
    /// Upstream says nothing and starts with no topic.
    Null,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(name) => write!(f, "skipping creation of invalid topic {name}"),
            Self::Channel(name) => write!(f, "skipping creation of invalid channel {name}"),
            Self::Null => f.write_str("metadata is null, starting without topics"),
        }
    }
}

impl Metadata {
    /// Reads what `data_path` holds; nothing if it has no metadata file.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged. It has not been touched.
    pub fn load(data_path: &Path) -> Result<Loaded, MetadataError> {
        let path = file_path(data_path);
        let failed = |operation, source| MetadataError::Read {
            path: path.clone(),
            operation,
            source,
        };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::default()),
            Err(error) => return Err(failed("open", error)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| failed("read", error))?;
        Self::parse(&bytes).map_err(|cause| MetadataError::Parse { path, cause })
    }

    /// Reads the bytes of a metadata file.
    ///
    /// # Errors
    /// They are damaged; the text says how.
    pub fn parse(bytes: &[u8]) -> Result<Loaded, String> {
        // A string that is not UTF-8 can only be an invalid name, and is skipped as such.
        let text = String::from_utf8_lossy(bytes);
        let value: Value = serde_json::from_str(&text).map_err(|error| {
            if error.is_eof() {
                "unexpected end of JSON input".to_owned()
            } else {
                error.to_string()
            }
        })?;
        let mut loaded = Loaded::default();
        if value.is_null() {
            loaded.skipped.push(Skipped::Null);
        }
        let root = object(&value, "metadata")?;
        for topic in array(&root, "topics")? {
            read_topic(topic, &mut loaded)?;
        }
        Ok(loaded)
    }
}

fn read_topic(value: &Value, loaded: &mut Loaded) -> Result<(), String> {
    let fields = object(value, "a topic")?;
    let name = string(&fields, "name")?;
    let paused = boolean(&fields, "paused")?;
    let values = array(&fields, "channels")?;
    let Ok(valid) = TopicName::new(name) else {
        loaded.skipped.push(Skipped::Topic(name.to_owned()));
        return Ok(());
    };
    let mut channels = Vec::with_capacity(values.len());
    for value in values {
        let fields = object(value, "a channel")?;
        let name = string(&fields, "name")?;
        let paused = boolean(&fields, "paused")?;
        match ChannelName::new(name) {
            Ok(name) => channels.push(ChannelMeta { name, paused }),
            Err(_) => loaded.skipped.push(Skipped::Channel(name.to_owned())),
        }
    }
    loaded.metadata.topics.push(TopicMeta {
        name: valid,
        paused,
        channels,
    });
    Ok(())
}

/// The fields of an object, under the rules of Go's decoder: `null` has none, and the case of their
/// names does not matter.
struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        let map = self.0?;
        map.get(name).or_else(|| {
            map.iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
    }
}

fn object<'a>(value: &'a Value, what: &str) -> Result<Fields<'a>, String> {
    match value {
        Value::Null => Ok(Fields(None)),
        Value::Object(map) => Ok(Fields(Some(map))),
        other => Err(wrong_type(what, other, "an object")),
    }
}

fn array<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a [Value], String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(other) => Err(wrong_type(name, other, "an array")),
    }
}

fn string<'a>(fields: &Fields<'a>, name: &str) -> Result<&'a str, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(wrong_type(name, other, "a string")),
    }
}

fn boolean(fields: &Fields<'_>, name: &str) -> Result<bool, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(wrong_type(name, other, "a boolean")),
    }
}

fn wrong_type(what: &str, found: &Value, wanted: &str) -> String {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("{what} is {found}, not {wanted}")
}
