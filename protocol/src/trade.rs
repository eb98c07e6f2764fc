//! What offers and terms say in the same words: the nature of what is traded, how it reaches the
//! customer, and what rights the customer has. Prices and quantities are in [`crate::value`].

use crate::{
    fence::{Reader, Wire, Writer},
    value::{Invalid, Region, Text},
    wire, words,
};

words! {
    /// What kind of thing is traded.
    pub enum Nature {
        /// Goods.
        1 Product "product",
        /// Work that is performed once.
        2 Service "service",
        /// What is delivered or performed again and again.
        3 Recurring "recurring",
    }
}

words! {
    /// How it reaches the customer.
    pub enum Method {
        /// A carrier brings it.
        1 Ship "ship",
        /// The customer fetches it.
        2 PickUp "pick up",
        /// The provider brings it.
        3 Deliver "deliver",
        /// It is performed at the customer's place.
        4 OnSite "on site",
        /// It is performed from afar.
        5 Remote "remote",
        /// It is sent as data.
        6 Digital "digital",
    }
}

words! {
    /// How far fulfilment has come when a right is used.
    pub enum RightState {
        /// Nothing was begun.
        1 Before "before fulfilment",
        /// Begun, but not completed.
        2 During "in fulfilment",
        /// Completed.
        3 After "after fulfilment",
    }
}

words! {
    /// What a right lets the requester ask for.
    pub enum RightTo {
        /// To end the order.
        1 Cancel "cancel",
        /// To give the thing back.
        2 Return "return",
        /// To get the money back.
        3 Refund "refund",
        /// To get another one.
        4 Replace "replace",
    }
}

/// A right of the requester in one state of fulfilment, and what using it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Right {
    /// The state of fulfilment in which it may be used.
    pub state: RightState,
    /// What may be asked for.
    pub to: RightTo,
    /// For how many hours after the state began.
    pub within_hours: u32,
    /// What it costs, in parts of the total.
    pub fee: HundredthsOfPercent,
}

wire!(Right {
    state,
    to,
    within_hours,
    fee
});

/// A share in hundredths of a percent, 0 to 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HundredthsOfPercent(u16);

impl HundredthsOfPercent {
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// # Errors
    /// `Range` above the whole.
    pub const fn new(share: u16) -> Result<Self, Invalid> {
        if share > Self::WHOLE.0 {
            return Err(Invalid::Range {
                what: "share in hundredths of a percent",
                min: 0,
                max: 10_000,
            });
        }
        Ok(Self(share))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Wire for HundredthsOfPercent {
    fn put(&self, writer: &mut Writer<'_>) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        Self::new(u16::take(reader)?)
    }
}

/// Hours until fulfilment, from the earliest to the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lead {
    from: u32,
    to: u32,
}

wire!(Lead { from, to } check);

impl Lead {
    /// # Errors
    /// `Rule` if the latest lies before the earliest.
    pub fn new(from_hours: u32, to_hours: u32) -> Result<Self, Invalid> {
        let lead = Self {
            from: from_hours,
            to: to_hours,
        };
        lead.check()?;
        Ok(lead)
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.from > self.to {
            return Err(Invalid::Rule("a lead time must not end before it begins"));
        }
        Ok(())
    }

    /// The earliest, in hours.
    #[must_use]
    pub const fn from_hours(self) -> u32 {
        self.from
    }

    /// The latest, in hours.
    #[must_use]
    pub const fn to_hours(self) -> u32 {
        self.to
    }
}

/// A region where one may be named: on the wire a text that is empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Destination(pub Option<Region>);

impl Wire for Destination {
    fn put(&self, writer: &mut Writer<'_>) {
        writer.counted_bytes(self.0.as_ref().map_or("", Region::as_str).as_bytes());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        let text: Text<6> = Wire::take(reader)?;
        if text.is_empty() {
            Ok(Self(None))
        } else {
            text.parse().map(Some).map(Self)
        }
    }
}

/// A field that has its place in this version's bytes and must be absent: one byte, 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Absent;

impl Wire for Absent {
    fn put(&self, writer: &mut Writer<'_>) {
        false.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Invalid> {
        if bool::take(reader)? {
            return Err(Invalid::Rule("a field of a later version must be absent"));
        }
        Ok(Self)
    }
}
