// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    FarmView,
    Location,
    NodeStatus,
    NodeTerms,
    NodeView,
    Prices,
    PricingPolicy,
    PublicIp,
    PublicIpView,
    Resources
} from "../types/GridTypes.sol";

/// @title Farms, their public IPs and nodes, and what they sell by
/// @notice A farm belongs to the twin that made it; a node is a twin of its own, taken into the farm with the consent of the
/// farm's owner. Ids count from 1. Time is cut into intervals of `intervalSeconds`, the first of which began in 1970; what
/// changes at the end of one is announced at least one whole interval before.
///
/// The consent is an EIP-712 signature by the account of the farm's owner (ERC-1271 if it is a contract):
/// domain `{ name: "SPRF GridRegistry", version: "1", chainId, verifyingContract: this contract }`,
/// type `NodeConsent(uint256 farmId,uint256 twinId,uint32 cru,uint64 sru,uint64 hru,uint64 mru,uint256 nonce,uint256 deadline)`,
/// message: the farm, the node's twin, its resources, `nonces(the node's account)`, and seconds since 1970. It counts once.
/// The owner's own twin needs none, and gives an empty signature.
interface IGridRegistry {
    event GridAttached(address indexed grid);
    event PricingPolicyCreated(uint256 indexed pricingPolicyId, address indexed author, PricingPolicy policy);
    event FarmCreated(
        uint256 indexed farmId,
        uint256 indexed twinId,
        string name,
        uint256 pricingPolicyId,
        address payoutAddress
    );
    event PayoutAddressChanged(uint256 indexed farmId, address payoutAddress);
    /// @notice The farm sells by this policy from `from` on, in seconds since 1970.
    event PricingPolicyChanged(uint256 indexed farmId, uint256 pricingPolicyId, uint256 from);
    event PublicIpAdded(uint256 indexed farmId, bytes16 indexed ip, PublicIp publicIp);
    event PublicIpRemoved(uint256 indexed farmId, bytes16 indexed ip);
    event PublicIpsReserved(uint256 indexed farmId, uint256 indexed contractId, bytes16[] ips);
    event PublicIpsReleased(uint256 indexed farmId, uint256 indexed contractId, bytes16[] ips);
    event NodeCreated(uint256 indexed nodeId, uint256 indexed farmId, uint256 indexed twinId, Resources resources);
    event NodeUpdated(uint256 indexed nodeId, Resources resources);
    event NodeLocated(uint256 indexed nodeId, Location location);
    event NodeStatusChanged(uint256 indexed nodeId, NodeStatus status);
    event NodeDeleted(uint256 indexed nodeId, uint256 retiresAt);

    /// @notice A constructor number is out of bounds.
    error GridRegistry_BadSetting(bytes32 name, uint256 min, uint256 max, uint256 actual);
    /// @notice The grid's contracts are attached once, by themselves, in their constructor.
    error GridRegistry_AlreadyAttached(address grid);
    /// @notice Only the attached contract may call this.
    error GridRegistry_NotTheGrid(address expected, address actual);
    /// @notice The caller has no twin.
    error GridRegistry_NotATwin(address account);
    /// @notice No policy has this id.
    error GridRegistry_UnknownPolicy(uint256 pricingPolicyId);
    /// @notice No farm has this id.
    error GridRegistry_UnknownFarm(uint256 farmId);
    /// @notice No node has this id.
    error GridRegistry_UnknownNode(uint256 nodeId);
    /// @notice A share of something is out of bounds: the dedication discount is 0 to 100 %, and shares sum to 10,000.
    error GridRegistry_BadShares(uint256 expected, uint256 actual);
    /// @notice The treasury has a share, or sells names, but has no address.
    error GridRegistry_BadTreasury(uint256 share, address treasury);
    /// @notice A farm's name has 1 to 40 of the characters a to z, A to Z, 0 to 9, - and _.
    error GridRegistry_BadFarmName(string name);
    /// @notice Another farm has this name, whatever the case of its letters.
    error GridRegistry_FarmNameTaken(string name, uint256 farmId);
    /// @notice Revenue needs somewhere to go.
    error GridRegistry_ZeroPayoutAddress();
    /// @notice Only the farm's owner may call this.
    error GridRegistry_NotFarmOwner(uint256 farmId, address expected, address actual);
    /// @notice Only the node's own twin may call this.
    error GridRegistry_NotNodeTwin(uint256 nodeId, address expected, address actual);
    /// @notice Only the node's own twin or the farm's owner may call this.
    error GridRegistry_NotNodeOrFarm(uint256 nodeId, address caller);
    /// @notice An IP and its gateway are two addresses of one family, and the prefix has 1 to 32 or 128 bits.
    error GridRegistry_BadPublicIp(PublicIp publicIp);
    /// @notice The farm has this IP already.
    error GridRegistry_PublicIpTaken(uint256 farmId, bytes16 ip);
    /// @notice The farm has no such IP.
    error GridRegistry_UnknownPublicIp(uint256 farmId, bytes16 ip);
    /// @notice The IP is reserved for a contract.
    error GridRegistry_PublicIpReserved(uint256 farmId, bytes16 ip, uint256 contractId);
    /// @notice A contract has MAX_PUBLIC_IPS at most.
    error GridRegistry_TooManyPublicIps(uint256 max, uint256 asked);
    /// @notice The farm has fewer free IPs than were asked for.
    error GridRegistry_NotEnoughPublicIps(uint256 farmId, uint256 asked, uint256 free);
    /// @notice The farm sells nothing: it has no pricing policy.
    error GridRegistry_FarmWithoutPolicy(uint256 farmId);
    /// @notice The twin runs a node already.
    error GridRegistry_AlreadyANode(uint256 twinId, uint256 nodeId);
    /// @notice The consent is out of date.
    error GridRegistry_ConsentExpired(uint256 deadline, uint256 actual);
    /// @notice The farm's owner did not sign this: it was signed by somebody else, of other resources, or used before.
    error GridRegistry_BadConsent(uint256 farmId, address owner);
    /// @notice A resource of a node is out of bounds.
    error GridRegistry_BadResources(Resources max, Resources actual);
    /// @notice Contracts on the node need more than it would have.
    error GridRegistry_ResourcesClaimed(uint256 nodeId, Resources claimed, Resources actual);
    /// @notice The node has fewer free resources than were asked for.
    error GridRegistry_NotEnoughResources(uint256 nodeId, Resources asked, Resources free);
    /// @notice The country is not two capital letters, the coordinates are none, or the city is longer than 64 bytes.
    error GridRegistry_BadLocation(Location location);
    /// @notice The node takes no new contracts now.
    error GridRegistry_NodeNotUp(uint256 nodeId);
    /// @notice The node was deleted.
    error GridRegistry_NodeRetires(uint256 nodeId, uint256 retiresAt);

    /// @notice Ties this registry to the contract that calls it, for good. GridContracts does it when it is created.
    /// @dev Reverts with GridRegistry_AlreadyAttached.
    function attachGrid() external;

    /// @notice Writes down a policy, which never changes again. Anybody may.
    /// @dev Reverts with GridRegistry_BadShares, _BadTreasury.
    function createPricingPolicy(PricingPolicy calldata policy) external returns (uint256 pricingPolicyId);

    /// @notice Makes a farm of the caller's twin.
    /// @param name Unique whatever the case of its letters, see _BadFarmName.
    /// @param pricingPolicyId Zero: it sells nothing yet.
    /// @param payoutAddress Who may take its revenue out; not zero.
    /// @dev Reverts with GridRegistry_NotATwin, _BadFarmName, _FarmNameTaken, _UnknownPolicy, _ZeroPayoutAddress.
    function createFarm(
        string calldata name,
        uint256 pricingPolicyId,
        address payoutAddress
    ) external returns (uint256 farmId);

    /// @notice Changes who may take the farm's revenue out, of what it has earned and will earn.
    /// @dev Only the farm's owner. Reverts with GridRegistry_UnknownFarm, _NotFarmOwner, _ZeroPayoutAddress.
    function setPayoutAddress(uint256 farmId, address payoutAddress) external;

    /// @notice Switches the farm to another policy at the end of the interval after this one, so that nobody's contract is
    /// overtaken by a price; at once when it has none. New contracts keep the policy of their creation.
    /// @param pricingPolicyId Zero: the farm takes no new contracts.
    /// @return from When it counts, in seconds since 1970.
    /// @dev Only the farm's owner. Reverts with GridRegistry_UnknownFarm, _NotFarmOwner, _UnknownPolicy.
    function setPricingPolicy(uint256 farmId, uint256 pricingPolicyId) external returns (uint256 from);

    /// @notice Gives the farm an IP to reserve.
    /// @dev Only the farm's owner. Reverts with GridRegistry_UnknownFarm, _NotFarmOwner, _BadPublicIp, _PublicIpTaken.
    function addPublicIp(uint256 farmId, PublicIp calldata publicIp) external;

    /// @notice Takes a free IP away from the farm.
    /// @dev Only the farm's owner. Reverts with GridRegistry_UnknownFarm, _NotFarmOwner, _UnknownPublicIp,
    /// _PublicIpReserved.
    function removePublicIp(uint256 farmId, bytes16 ip) external;

    /// @notice Makes a node of the caller's twin, which runs at most one that was not deleted.
    /// @param deadline Of the consent, in seconds since 1970.
    /// @param consent Of the farm's owner, see above.
    /// @dev Reverts with GridRegistry_UnknownFarm, _NotATwin, _AlreadyANode, _FarmWithoutPolicy, _BadResources,
    /// _BadLocation, _ConsentExpired, _BadConsent.
    function createNode(
        uint256 farmId,
        Resources calldata resources,
        Location calldata location,
        uint256 deadline,
        bytes calldata consent
    ) external returns (uint256 nodeId);

    /// @notice Changes what the node has. More of anything needs the consent of the farm's owner; less does not, and the
    /// consent may then be empty.
    /// @dev Only the node's own twin. Reverts with GridRegistry_UnknownNode, _NotNodeTwin, _NodeRetires, _BadResources,
    /// _ResourcesClaimed, _ConsentExpired, _BadConsent.
    function updateNode(
        uint256 nodeId,
        Resources calldata resources,
        uint256 deadline,
        bytes calldata consent
    ) external;

    /// @notice Says where the node stands.
    /// @dev Only the node's own twin. Reverts with GridRegistry_UnknownNode, _NotNodeTwin, _BadLocation.
    function setNodeLocation(uint256 nodeId, Location calldata location) external;

    /// @notice Takes new contracts, or none for the time being.
    /// @dev Only the node's own twin or the farm's owner. Reverts with GridRegistry_UnknownNode, _NotNodeOrFarm.
    function setNodeStatus(uint256 nodeId, NodeStatus status) external;

    /// @notice Deletes the node: it takes no new contracts from now on, and those that it has are over at the end of the
    /// interval after the next one.
    /// @return retiresAt Seconds since 1970.
    /// @dev Only the node's own twin or the farm's owner. Reverts with GridRegistry_UnknownNode, _NotNodeOrFarm,
    /// _NodeRetires.
    function deleteNode(uint256 nodeId) external returns (uint256 retiresAt);

    /// @notice Sets resources and public IPs aside for a new contract on a node.
    /// @param contractId Not zero, and never the same again before it was released.
    /// @param publicIps At most MAX_PUBLIC_IPS of the node's farm.
    /// @dev Only the attached contract (_NotTheGrid). Reverts with GridRegistry_UnknownNode, _NodeRetires, _NodeNotUp,
    /// _FarmWithoutPolicy, _NotEnoughResources, _TooManyPublicIps, _NotEnoughPublicIps.
    function claim(
        uint256 nodeId,
        uint256 contractId,
        Resources calldata limits,
        uint256 publicIps
    ) external returns (NodeTerms memory terms);

    /// @notice Gives back what `claim` set aside. It always succeeds.
    /// @param limits As they were claimed.
    /// @dev Only the attached contract (_NotTheGrid).
    function release(uint256 nodeId, uint256 contractId, Resources calldata limits) external;

    /// @notice What a new contract on the node would be under.
    /// @dev Reverts with GridRegistry_UnknownNode, _NodeRetires, _NodeNotUp, _FarmWithoutPolicy.
    function termsOf(uint256 nodeId) external view returns (NodeTerms memory terms);

    /// @notice The node's account, and when it retires: NEVER (2^40 - 1) unless it was deleted. One slot is read.
    /// @dev Reverts with GridRegistry_UnknownNode.
    function nodeAccount(uint256 nodeId) external view returns (address account, uint256 retiresAt);

    /// @notice Who may take the farm's revenue out. Reverts with GridRegistry_UnknownFarm.
    function payoutAddressOf(uint256 farmId) external view returns (address);

    /// @notice A policy's prices. Reverts with GridRegistry_UnknownPolicy.
    function pricesOf(uint256 pricingPolicyId) external view returns (Prices memory);

    /// @notice A policy. Reverts with GridRegistry_UnknownPolicy.
    function pricingPolicy(uint256 pricingPolicyId) external view returns (PricingPolicy memory);

    /// @notice How many policies there are; ids run from 1 to this number. Names are sold by the first: it has a treasury,
    /// which gets the farm's share of them as well.
    function pricingPolicyCount() external view returns (uint256);

    /// @notice A farm. Reverts with GridRegistry_UnknownFarm.
    function farm(uint256 farmId) external view returns (FarmView memory);

    /// @notice The farm with this name, whatever the case of its letters; 0 when there is none.
    function farmOfName(string calldata name) external view returns (uint256 farmId);

    /// @notice How many farms there are; ids run from 1 to this number.
    function farmCount() external view returns (uint256);

    /// @notice Farms from an id on, at most MAX_PAGE. So much is the most of every list here.
    function farms(uint256 fromId, uint256 count) external view returns (FarmView[] memory);

    /// @notice Ids of farms of a twin, after the first `offset`.
    function farmsOfTwin(
        uint256 twinId,
        uint256 offset,
        uint256 count
    ) external view returns (uint256[] memory farmIds);

    /// @notice A farm's IPs after the first `offset`, the free ones before the others.
    function publicIps(uint256 farmId, uint256 offset, uint256 count) external view returns (PublicIpView[] memory);

    /// @notice The IPs that are reserved for a contract on a node of the farm.
    function publicIpsOf(uint256 farmId, uint256 contractId) external view returns (PublicIp[] memory);

    /// @notice A node. Reverts with GridRegistry_UnknownNode.
    function node(uint256 nodeId) external view returns (NodeView memory);

    /// @notice The node that a twin runs or ran last, 0 when there is none.
    function nodeOfTwin(uint256 twinId) external view returns (uint256 nodeId);

    /// @notice How many nodes there are, deleted ones included; ids run from 1 to this number.
    function nodeCount() external view returns (uint256);

    /// @notice Nodes from an id on, deleted ones included.
    function nodes(uint256 fromId, uint256 count) external view returns (NodeView[] memory);

    /// @notice Ids of nodes of a farm after the first `offset`, deleted ones included.
    function nodesOfFarm(
        uint256 farmId,
        uint256 offset,
        uint256 count
    ) external view returns (uint256[] memory nodeIds);

    /// @notice Length of an interval.
    function intervalSeconds() external view returns (uint256);

    /// @notice The contract that is attached, zero before.
    function grid() external view returns (address);
}
