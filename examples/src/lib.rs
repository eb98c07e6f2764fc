//! Catalogues, configurations and small programs against the API, as a partner's engineer would
//! write them; they use nothing that is closed to others.

pub mod catalogue;
