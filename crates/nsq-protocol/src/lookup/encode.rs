//! nsqd's side of a command.

use bytes::BufMut;

use super::PeerInfo;
use crate::name::{ChannelRef, TopicRef};

/// Appends `PING`.
pub fn encode_ping(buf: &mut impl BufMut) {
    buf.put_slice(b"PING\n");
}

/// Appends `IDENTIFY` with what nsqd tells about itself.
///
/// # Panics
///
/// When `info` takes 2 GiB or more; it is made of options, not of anything a peer sent.
pub fn encode_identify(buf: &mut impl BufMut, info: &PeerInfo) {
    buf.put_slice(b"IDENTIFY\n");
    super::put_reply(buf, &info.to_json());
}

/// Appends `REGISTER` for a topic, or for one of its channels and with it the topic.
pub fn encode_register(buf: &mut impl BufMut, topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) {
    put_line(buf, b"REGISTER ", topic, channel);
}

/// Appends `UNREGISTER` for a topic and all its channels, or for one of its channels.
pub fn encode_unregister(buf: &mut impl BufMut, topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) {
    put_line(buf, b"UNREGISTER ", topic, channel);
}

fn put_line(buf: &mut impl BufMut, verb: &[u8], topic: TopicRef<'_>, channel: Option<ChannelRef<'_>>) {
    buf.put_slice(verb);
    buf.put_slice(topic.as_str().as_bytes());
    if let Some(channel) = channel {
        buf.put_u8(b' ');
        buf.put_slice(channel.as_str().as_bytes());
    }
    buf.put_u8(b'\n');
}
