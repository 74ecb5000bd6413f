//! Publishing blocks of records to all destinations.

use std::collections::VecDeque;

use nsq_client::{Error, Producer, Receipt};

use super::records::Block;

/// Blocks that may be without an answer: enough to keep a connection busy, and few to be told of when it fails.
const UNANSWERED_MAX: usize = 8;

/// Publishes records to several nsqds, each of which gets all of them.
pub(super) struct Publisher {
    topic: String,
    producers: Vec<Producer>,
    unanswered: VecDeque<Sent>,
}

/// A block, and an answer to come from each producer.
struct Sent {
    block: Block,
    receipts: Vec<Receipt>,
}

impl Publisher {
    pub(super) fn new(topic: String, producers: Vec<Producer>) -> Self {
        Self {
            topic,
            producers,
            unanswered: VecDeque::new(),
        }
    }

    /// Hands a block over; earlier ones may still be without an answer.
    ///
    /// # Errors
    /// One of the destinations does not take this block or an earlier one.
    pub(super) async fn publish(&mut self, block: Block) -> Result<(), Error> {
        // A record that may be refused takes no others with it, and none overtakes it.
        let is_alone = block.is_large();
        if is_alone {
            self.flush().await?;
        }
        while self.unanswered.len() >= UNANSWERED_MAX {
            self.await_oldest().await?;
        }
        let mut receipts = Vec::with_capacity(self.producers.len());
        for producer in &self.producers {
            receipts.push(match block.records().as_slice() {
                [record] => producer.enqueue(&self.topic, record).await?,
                records => producer.enqueue_multi(&self.topic, records).await?,
            });
        }
        self.unanswered.push_back(Sent { block, receipts });
        if is_alone {
            self.flush().await?;
        }
        Ok(())
    }

    /// Publishes single records, those of `block` from `from` on up to `to`, and waits for the answers.
    ///
    /// # Errors
    /// One of the destinations does not take them.
    pub(super) async fn publish_part(&self, block: &Block, from: usize, to: usize) -> Result<(), Error> {
        let records = block.records();
        let mut receipts = Vec::new();
        for record in records.get(from..to).unwrap_or_default() {
            for producer in &self.producers {
                receipts.push(producer.enqueue(&self.topic, record).await?);
            }
        }
        for receipt in receipts {
            receipt.await?;
        }
        Ok(())
    }

    /// Waits for all answers.
    ///
    /// # Errors
    /// One of the destinations did not take a block.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        while !self.unanswered.is_empty() {
            self.await_oldest().await?;
        }
        Ok(())
    }

    async fn await_oldest(&mut self) -> Result<(), Error> {
        let Some(sent) = self.unanswered.pop_front() else {
            return Ok(());
        };
        for (receipt, producer) in sent.receipts.into_iter().zip(&self.producers) {
            match receipt.await {
                Ok(()) => {}
                Err(Error::Protocol(_)) if sent.block.len() > 1 => {
                    self.publish_singly(producer, &sent.block).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Publishes the records of a block one after the other, up to the one for which nsqd has refused them all: a
    /// message that is refused takes only itself with it, and the answer is about it.
    async fn publish_singly(&self, producer: &Producer, block: &Block) -> Result<(), Error> {
        for record in block.records() {
            producer.publish(&self.topic, record).await?;
        }
        Ok(())
    }

    /// Closes the connections.
    pub(super) async fn stop(self) {
        for producer in &self.producers {
            producer.stop().await;
        }
    }
}
