//! The consumer of the cluster in `../../../README.md` with tokio-nsq.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_nsq::{
    NSQChannel, NSQConfigShared, NSQConfigSharedCompression, NSQConfigSharedTLS, NSQConsumerConfig,
    NSQConsumerConfigSources, NSQConsumerLookupConfig, NSQDeflateLevel, NSQTopic,
};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lookupds, topic, channel, compression, secret, ca] = arguments.as_slice() else {
        panic!("nsqlookupds, topic, channel, compression, secret and authority")
    };
    let mut tls = ClientConfig::new();
    let authority = File::open(ca).expect("the authority's certificate");
    tls.root_store
        .add_pem_file(&mut BufReader::new(authority))
        .expect("PEM");
    let compression = match compression.as_str() {
        "snappy" => NSQConfigSharedCompression::Snappy,
        _ => NSQConfigSharedCompression::Deflate(NSQDeflateLevel::new(6).expect("a level")),
    };
    let shared = NSQConfigShared::new()
        .set_tls(NSQConfigSharedTLS::new("localhost").set_client_config(Arc::new(tls)))
        .set_compression(compression)
        .set_credentials(secret.clone().into_bytes());
    let lookup = NSQConsumerLookupConfig::new()
        .set_poll_interval(Duration::from_secs(1))
        .set_addresses(lookupds.split(',').map(|lookupd| format!("http://{lookupd}")).collect());
    let topic = NSQTopic::new(topic.as_str()).expect("a topic name");
    let channel = NSQChannel::new(channel.as_str()).expect("a channel name");
    let mut consumer = NSQConsumerConfig::new(topic, channel)
        .set_max_in_flight(9)
        .set_shared(shared)
        .set_sources(NSQConsumerConfigSources::Lookup(lookup))
        .build();
    loop {
        let message = consumer.consume_filtered().await.expect("a message");
        println!("finished {}", String::from_utf8_lossy(&message.body));
        message.finish().await;
    }
}
