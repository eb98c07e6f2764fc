//! Who receives an order, on its way from requester to fulfiller: kept by the requester alone, under
//! a data key that goes when the order is over; sealed for the fulfiller's key; opened where it is
//! asked for. It keeps out when it is sent; nothing of it stands in a file or a log in clear.

mod kept;
mod seal;

pub use self::kept::{Kept, KeptError};
pub use self::seal::{SealError, Sealed, Sealing, seal};
