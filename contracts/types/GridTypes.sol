// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev What a machine has, a contract is limited to, or a report says. `cru` in cores, the others in bytes: `sru` of SSD,
/// `hru` of hard disk, `mru` of memory. One slot.
struct Resources {
    uint32 cru;
    uint64 sru;
    uint64 hru;
    uint64 mru;
}

/// @dev What a grid costs, in 1e-7 USD: `cu`, `su` and `ipu` for an hour of one compute unit, storage unit or public IP,
/// `nu` for an hour of one GB of traffic, `uniqueName` for an hour of a name. One slot.
struct Prices {
    uint32 cu;
    uint32 su;
    uint32 nu;
    uint32 ipu;
    uint32 uniqueName;
    // Off a rented node's price, 0 to 100.
    uint8 dedicationDiscountPercent;
}

/// @dev Who gets how much of the revenue, in parts of 10,000 that sum to 10,000.
struct RevenueShares {
    uint16 farm;
    uint16 treasury;
    // Sent to where nobody can spend it.
    uint16 burn;
}

/// @dev What a farm sells by. Never changes; a farm switches to another one.
struct PricingPolicy {
    Prices prices;
    RevenueShares shares;
    // Gets the treasury's share; not zero when there is one.
    address treasury;
}

/// @dev Whether a node takes new contracts. Those that it has go on in either.
enum NodeStatus {
    Up,
    // Down for maintenance or saving power.
    Standby
}

/// @dev Where a node stands, as its operator says.
struct Location {
    // ISO 3166-1 alpha-2, in capitals.
    bytes2 country;
    // Millionths of a degree, north and east positive.
    int32 latitude;
    int32 longitude;
    // UTF-8, at most 64 bytes; may be empty.
    string city;
}

/// @dev An operator's place. `pricingPolicyId` is the one that counts now; zero when the farm sells nothing.
struct FarmView {
    uint256 farmId;
    string name;
    uint256 twinId;
    address owner;
    address payoutAddress;
    uint256 pricingPolicyId;
    // What takes over at `nextPolicyFrom`, in seconds since 1970; equal to `pricingPolicyId` when nothing is to change.
    uint256 nextPolicyId;
    uint256 nextPolicyFrom;
    uint256 publicIpCount;
    uint256 freePublicIpCount;
}

/// @dev One machine of a farm.
struct NodeView {
    uint256 nodeId;
    uint256 farmId;
    uint256 twinId;
    address account;
    NodeStatus status;
    Resources resources;
    // Sum of the limits of the contracts on it.
    Resources claimed;
    // Seconds since 1970, the end of an interval; NEVER (2^40 - 1) unless the node was deleted.
    uint256 retiresAt;
    Location location;
}

/// @dev An IPv6 address, or an IPv4 one as ::ffff:a.b.c.d, with the length of its network's prefix (of 32 for IPv4) and
/// the gateway.
struct PublicIp {
    bytes16 ip;
    bytes16 gateway;
    uint8 prefix;
}

/// @dev A farm's IP and the contract that it is reserved for, 0 when it is free.
struct PublicIpView {
    PublicIp publicIp;
    uint256 contractId;
}

/// @dev What a new contract on a node needs to know of it.
struct NodeTerms {
    uint256 farmId;
    uint256 pricingPolicyId;
    // The node twin's account: who may report and confirm.
    address account;
    Resources resources;
}

/// @dev What ether costs at one moment, see IPriceBook.
struct Price {
    // Grains a second for a rate of one, for each percent that the discount leaves.
    uint56 price;
    // Integral of `price` over the seconds since the book began.
    uint96 sum;
    // Since when `price` counts, in seconds since 1970: from then on the integral is a straight line.
    uint40 changedAt;
    // Whether the feed stands behind it. New contracts need a fresh one.
    bool fresh;
}

/// @dev How much the balance's length takes off: it lasts 1.5, 3, 6 or 18 months at the undiscounted price.
enum DiscountLevel {
    // Nothing off.
    None,
    // 20 % off.
    Default,
    // 30 % off.
    Bronze,
    // 40 % off.
    Silver,
    // 60 % off.
    Gold
}
