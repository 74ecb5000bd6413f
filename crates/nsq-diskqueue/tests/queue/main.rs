//! The disk queue by its public API, on the real file system and on one with faults.

#[cfg(test)]
mod aside;
#[cfg(test)]
mod basics;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod deferred;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod model;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod support;
