//! End to end: real `omni` processes with homes of their own, on loopback. Each test starts its
//! nodes and ends them; nothing else on the machine is touched.

mod audited;
mod bundles;
mod chains;
mod doctor;
mod events;
mod failover;
mod goods_hostile;
mod hostile;
mod keys;
mod leaves;
mod named;
mod offers;
mod peers;
mod policies;
mod recovery;
mod restart;
mod scenario;
mod slots;
mod testnet;
mod trade;
mod trade_ends;
mod trade_hostile;
