//! The messages of one queue on standard output.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nsq_app::Exit;
use nsq_protocol::message::{Message, MessageHeader};
use serde::Serialize;

use super::directory::Directory;
use super::options::{Format, Options};
use super::queue::Queue;
use super::{cannot_print, tell};
use crate::shell::fail;

/// Prints what waits in a topic, or in one of its channels; what is wrong with it goes to standard error.
pub(super) fn export(options: &Options, directory: &Directory, out: &mut impl Write) -> Result<bool, Exit> {
    let topic = options.topic.as_deref().unwrap_or_default();
    let name = options
        .channel
        .as_ref()
        .map_or_else(|| topic.to_owned(), |channel| format!("{topic}:{channel}"));
    if !directory.queues().any(|queue| queue == name) {
        return Err(fail(format_args!("there is no queue {name}")));
    }
    let mut queue = Queue::open(options, &name)?;
    queue.each_block(|records| {
        for record in records {
            if let Some(message) = Message::decode(record.data.clone()) {
                write_message(options.format, &message, record.due_ns, out).map_err(cannot_print)?;
            }
        }
        Ok(())
    })?;
    if !queue.is_whole() {
        tell(directory, &queue, &mut io::stderr().lock())?;
    }
    Ok(queue.is_whole())
}

/// A message as a line of JSON. A body that is no text is in `body_base64` instead.
#[derive(Serialize)]
struct Line<'m> {
    id: String,
    timestamp: i64,
    attempts: u16,
    /// In nanoseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

fn write_message(
    format: Format,
    message: &Message,
    deferred_until: Option<i64>,
    out: &mut impl Write,
) -> io::Result<()> {
    let body: &[u8] = &message.body;
    match format {
        Format::Lines => out.write_all(body)?,
        Format::Json => {
            let MessageHeader {
                timestamp_ns,
                attempts,
                id,
            } = message.header;
            let text = str::from_utf8(body).ok();
            let line = Line {
                id: String::from_utf8_lossy(id.as_bytes()).into_owned(),
                timestamp: timestamp_ns,
                attempts,
                deferred_until,
                body: text,
                body_base64: text.is_none().then(|| STANDARD.encode(body)),
            };
            serde_json::to_writer(&mut *out, &line)?;
        }
        Format::Raw => {
            let size = u32::try_from(body.len()).map_err(io::Error::other)?;
            out.write_all(&size.to_be_bytes())?;
            return out.write_all(body);
        }
    }
    out.write_all(b"\n")
}
