//! The scene of `../../../README.md` with tokio-nsq.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_nsq::{
    NSQChannel, NSQConsumerConfig, NSQConsumerConfigSources, NSQEvent, NSQMessage, NSQProducer,
    NSQProducerConfig, NSQRequeueDelay, NSQTopic,
};

/// How many messages the scene finishes.
const COUNT: usize = 6;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, topic, channel] = arguments.as_slice() else {
        panic!("host, port, topic and channel")
    };
    let address = format!("{host}:{port}");
    let topic = NSQTopic::new(topic.as_str()).expect("a topic name");
    let channel = NSQChannel::new(channel.as_str()).expect("a channel name");

    let mut consumer = NSQConsumerConfig::new(topic.clone(), channel)
        .set_max_in_flight(6)
        .set_sources(NSQConsumerConfigSources::Daemons(vec![address.clone()]))
        .build();
    let mut producer = NSQProducerConfig::new(address).build();
    expect(&mut producer, |event| matches!(event, NSQEvent::Healthy())).await;
    for body in ["finish", "requeue", "touch"] {
        producer.publish(&topic, body.into()).await.expect("publish");
        expect(&mut producer, |event| matches!(event, NSQEvent::Ok())).await;
    }
    producer
        .publish_multiple(&topic, vec!["multi-1".into(), "multi-2".into()])
        .await
        .expect("publish a batch");
    expect(&mut producer, |event| matches!(event, NSQEvent::Ok())).await;
    producer
        .publish_deferred(&topic, "deferred".into(), 300)
        .await
        .expect("publish for later");
    expect(&mut producer, |event| matches!(event, NSQEvent::Ok())).await;

    let (finished, mut finishes) = mpsc::channel(COUNT);
    let mut bodies = BTreeSet::new();
    let everything = async {
        while bodies.len() < COUNT {
            tokio::select! {
                message = consumer.consume_filtered() => {
                    let message = message.expect("a message");
                    tokio::spawn(handle(message, finished.clone()));
                }
                body = finishes.recv() => drop(bodies.insert(body.expect("a finished message"))),
            }
        }
    };
    timeout(Duration::from_secs(30), everything)
        .await
        .expect("everything in time");
    // The client writes its answers out every 250 ms, and not when it is dropped.
    sleep(Duration::from_millis(500)).await;
}

async fn expect(producer: &mut NSQProducer, expected: fn(&NSQEvent) -> bool) {
    let event = producer.consume().await.expect("an event");
    assert!(expected(&event), "{event:?}");
}

async fn handle(message: NSQMessage, finished: mpsc::Sender<String>) {
    let body = String::from_utf8(message.body.clone()).expect("text");
    if body == "requeue" && message.attempt == 1 {
        message
            .requeue(NSQRequeueDelay::CustomDelay(Duration::from_millis(100)))
            .await;
        return;
    }
    if body == "touch" {
        for _ in 0..3 {
            sleep(Duration::from_millis(800)).await;
            message.touch().await;
        }
    }
    println!("finished {body} {}", message.attempt);
    message.finish().await;
    finished.send(body).await.expect("report");
}
