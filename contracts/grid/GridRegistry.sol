// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IGridRegistry} from "../interfaces/IGridRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {FarmName} from "../libraries/FarmName.sol";
import {NodeResources} from "../libraries/NodeResources.sol";
import {PublicIps} from "../libraries/PublicIps.sol";
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

/// @title Farms, their public IPs and nodes, and what they sell by, see {IGridRegistry}
contract GridRegistry is IGridRegistry, EIP712, Nonces {
    using NodeResources for Resources;
    using PublicIps for PublicIps.Pool;
    using SafeCast for uint256;

    struct Farm {
        // Slot 0, all that a new contract reads. The next policy takes over at `nextPolicyFrom`.
        uint32 twinId;
        uint32 policyId;
        uint32 nextPolicyId;
        uint40 nextPolicyFrom;
        // Slots 1 and 2.
        address owner;
        address payoutAddress;
        string name;
        uint32[] nodeIds;
        PublicIps.Pool publicIps;
    }

    struct Node {
        // Slot 0. `retiresAt` is zero until it is deleted.
        address account;
        uint32 farmId;
        uint40 retiresAt;
        NodeStatus status;
        // Slots 1 and 2.
        Resources resources;
        Resources claimed;
        uint32 twinId;
        Location location;
    }

    /// @notice Entries returned by one call of a paged view, at most.
    uint256 public constant MAX_PAGE = 100;
    /// @notice Public IPs of one contract, at most.
    uint256 public constant MAX_PUBLIC_IPS = 64;
    /// @notice When a node retires that was not deleted.
    uint256 public constant NEVER = type(uint40).max;
    /// @notice Bounds of an interval, in seconds.
    uint256 public constant MIN_INTERVAL = 2;
    uint256 public constant MAX_INTERVAL = 7 days;
    /// @notice What the shares of revenue sum to.
    uint256 public constant ALL_SHARES = 10_000;
    /// @notice Bytes of the name of a city, at most.
    uint256 public constant MAX_CITY_BYTES = 64;

    /// @dev Millionths of a degree.
    int256 private constant MAX_LATITUDE = 90e6;
    int256 private constant MAX_LONGITUDE = 180e6;
    uint256 private constant MAX_PERCENT = 100;
    bytes32 private constant CONSENT_TYPEHASH = keccak256(
        "NodeConsent(uint256 farmId,uint256 twinId,uint32 cru,uint64 sru,uint64 hru,uint64 mru,uint256 nonce,uint256 deadline)"
    );

    ITwins private immutable TWINS;
    uint256 private immutable INTERVAL_SECONDS;

    address private _grid;
    uint32 private _policyCount;
    uint32 private _farmCount;
    uint32 private _nodeCount;
    mapping(uint256 pricingPolicyId => PricingPolicy) private _policies;
    mapping(uint256 farmId => Farm) private _farms;
    mapping(bytes32 nameKey => uint256 farmId) private _farmOfName;
    mapping(uint256 twinId => uint32[] farmIds) private _farmsOfTwin;
    mapping(uint256 nodeId => Node) private _nodes;
    mapping(uint256 twinId => uint256 nodeId) private _nodeOfTwin;

    modifier onlyGrid() {
        if (msg.sender != _grid) revert GridRegistry_NotTheGrid(_grid, msg.sender);
        _;
    }

    /// @param namePolicy The first policy, which names are sold by.
    constructor(
        ITwins twins,
        uint256 intervalSeconds_,
        PricingPolicy memory namePolicy
    ) EIP712("SPRF GridRegistry", "1") {
        _checkSetting("twins", 1, type(uint256).max, address(twins).code.length);
        _checkSetting("intervalSeconds", MIN_INTERVAL, MAX_INTERVAL, intervalSeconds_);
        if (namePolicy.treasury == address(0)) revert GridRegistry_BadTreasury(namePolicy.shares.treasury, address(0));
        TWINS = twins;
        INTERVAL_SECONDS = intervalSeconds_;
        _createPolicy(namePolicy);
    }

    /// @inheritdoc IGridRegistry
    function attachGrid() external {
        if (_grid != address(0)) revert GridRegistry_AlreadyAttached(_grid);
        _grid = msg.sender;
        emit GridAttached(msg.sender);
    }

    /// @inheritdoc IGridRegistry
    function createPricingPolicy(PricingPolicy calldata policy) external returns (uint256 pricingPolicyId) {
        return _createPolicy(policy);
    }

    /// @inheritdoc IGridRegistry
    function createFarm(
        string calldata name,
        uint256 pricingPolicyId,
        address payoutAddress
    ) external returns (uint256 farmId) {
        uint256 twinId = _callersTwin();
        if (!FarmName.isValid(name)) revert GridRegistry_BadFarmName(name);
        bytes32 nameKey = FarmName.key(name);
        if (_farmOfName[nameKey] != 0) revert GridRegistry_FarmNameTaken(name, _farmOfName[nameKey]);
        _requirePolicyOrNone(pricingPolicyId);
        if (payoutAddress == address(0)) revert GridRegistry_ZeroPayoutAddress();

        farmId = ++_farmCount;
        _farmOfName[nameKey] = farmId;
        _farmsOfTwin[twinId].push(uint32(farmId));
        Farm storage self = _farms[farmId];
        self.twinId = twinId.toUint32();
        self.policyId = uint32(pricingPolicyId);
        self.nextPolicyId = uint32(pricingPolicyId);
        self.nextPolicyFrom = uint40(block.timestamp);
        self.owner = msg.sender;
        self.payoutAddress = payoutAddress;
        self.name = name;
        emit FarmCreated(farmId, twinId, name, pricingPolicyId, payoutAddress);
    }

    /// @inheritdoc IGridRegistry
    function setPayoutAddress(uint256 farmId, address payoutAddress) external {
        Farm storage self = _ownFarm(farmId);
        if (payoutAddress == address(0)) revert GridRegistry_ZeroPayoutAddress();
        self.payoutAddress = payoutAddress;
        emit PayoutAddressChanged(farmId, payoutAddress);
    }

    /// @inheritdoc IGridRegistry
    function setPricingPolicy(uint256 farmId, uint256 pricingPolicyId) external returns (uint256 from) {
        Farm storage self = _ownFarm(farmId);
        _requirePolicyOrNone(pricingPolicyId);

        uint256 current = _policyIdOf(self);
        // Nobody can have a contract in mind with a farm that sells nothing.
        from = current == 0 ? block.timestamp : _endOfInterval(1);
        self.policyId = uint32(current);
        self.nextPolicyId = uint32(pricingPolicyId);
        self.nextPolicyFrom = from.toUint40();
        emit PricingPolicyChanged(farmId, pricingPolicyId, from);
    }

    /// @inheritdoc IGridRegistry
    function addPublicIp(uint256 farmId, PublicIp calldata publicIp) external {
        PublicIps.Pool storage pool = _ownFarm(farmId).publicIps;
        if (!PublicIps.isValid(publicIp)) revert GridRegistry_BadPublicIp(publicIp);
        if (pool.contains(publicIp.ip)) revert GridRegistry_PublicIpTaken(farmId, publicIp.ip);
        pool.add(publicIp);
        emit PublicIpAdded(farmId, publicIp.ip, publicIp);
    }

    /// @inheritdoc IGridRegistry
    function removePublicIp(uint256 farmId, bytes16 ip) external {
        PublicIps.Pool storage pool = _ownFarm(farmId).publicIps;
        if (!pool.contains(ip)) revert GridRegistry_UnknownPublicIp(farmId, ip);
        uint256 contractId = pool.entries[ip].contractId;
        if (contractId != 0) revert GridRegistry_PublicIpReserved(farmId, ip, contractId);
        pool.remove(ip);
        emit PublicIpRemoved(farmId, ip);
    }

    /// @inheritdoc IGridRegistry
    function createNode(
        uint256 farmId,
        Resources calldata resources,
        Location calldata location,
        uint256 deadline,
        bytes calldata consent
    ) external returns (uint256 nodeId) {
        Farm storage farm_ = _farm(farmId);
        uint256 twinId = _callersTwin();
        nodeId = _nodeOfTwin[twinId];
        if (nodeId != 0 && _retiresAt(_nodes[nodeId]) > block.timestamp)
            revert GridRegistry_AlreadyANode(twinId, nodeId);
        if (_policyIdOf(farm_) == 0) revert GridRegistry_FarmWithoutPolicy(farmId);
        _requireResources(resources);
        _requireLocation(location);
        _requireConsent(farmId, twinId, resources, deadline, consent);

        nodeId = ++_nodeCount;
        _nodeOfTwin[twinId] = nodeId;
        farm_.nodeIds.push(uint32(nodeId));
        Node storage self = _nodes[nodeId];
        self.account = msg.sender;
        self.farmId = uint32(farmId);
        self.resources = resources;
        self.twinId = twinId.toUint32();
        self.location = location;
        emit NodeCreated(nodeId, farmId, twinId, resources);
        emit NodeLocated(nodeId, location);
    }

    /// @inheritdoc IGridRegistry
    function updateNode(
        uint256 nodeId,
        Resources calldata resources,
        uint256 deadline,
        bytes calldata consent
    ) external {
        Node storage self = _ownNode(nodeId);
        _requireNotDeleted(nodeId, self);
        _requireResources(resources);
        Resources memory claimed = self.claimed;
        if (!claimed.fitsIn(resources)) revert GridRegistry_ResourcesClaimed(nodeId, claimed, resources);
        if (!resources.fitsIn(self.resources)) _requireConsent(self.farmId, self.twinId, resources, deadline, consent);
        self.resources = resources;
        emit NodeUpdated(nodeId, resources);
    }

    /// @inheritdoc IGridRegistry
    function setNodeLocation(uint256 nodeId, Location calldata location) external {
        Node storage self = _ownNode(nodeId);
        _requireLocation(location);
        self.location = location;
        emit NodeLocated(nodeId, location);
    }

    /// @inheritdoc IGridRegistry
    function setNodeStatus(uint256 nodeId, NodeStatus status) external {
        _nodeOfCaller(nodeId).status = status;
        emit NodeStatusChanged(nodeId, status);
    }

    /// @inheritdoc IGridRegistry
    function deleteNode(uint256 nodeId) external returns (uint256 retiresAt) {
        Node storage self = _nodeOfCaller(nodeId);
        _requireNotDeleted(nodeId, self);
        retiresAt = _endOfInterval(2);
        self.retiresAt = retiresAt.toUint40();
        emit NodeDeleted(nodeId, retiresAt);
    }

    /// @inheritdoc IGridRegistry
    function claim(
        uint256 nodeId,
        uint256 contractId,
        Resources calldata limits,
        uint256 publicIps_
    ) external onlyGrid returns (NodeTerms memory terms) {
        terms = _terms(nodeId);
        Node storage self = _nodes[nodeId];
        Resources memory claimed = self.claimed;
        Resources memory free = terms.resources.minus(claimed);
        if (!limits.fitsIn(free)) revert GridRegistry_NotEnoughResources(nodeId, limits, free);
        self.claimed = claimed.plus(limits);
        if (publicIps_ == 0) return terms;

        PublicIps.Pool storage pool = _farms[terms.farmId].publicIps;
        if (publicIps_ > pool.free) revert GridRegistry_NotEnoughPublicIps(terms.farmId, publicIps_, pool.free);
        if (publicIps_ > MAX_PUBLIC_IPS) revert GridRegistry_TooManyPublicIps(MAX_PUBLIC_IPS, publicIps_);
        emit PublicIpsReserved(terms.farmId, contractId, pool.reserve(contractId, publicIps_));
    }

    /// @inheritdoc IGridRegistry
    function release(uint256 nodeId, uint256 contractId, Resources calldata limits) external onlyGrid {
        Node storage self = _nodes[nodeId];
        self.claimed = self.claimed.minus(limits);
        PublicIps.Pool storage pool = _farms[self.farmId].publicIps;
        if (pool.reserved[contractId].length == 0) return;
        emit PublicIpsReleased(self.farmId, contractId, pool.release(contractId));
    }

    /// @inheritdoc IGridRegistry
    function termsOf(uint256 nodeId) external view returns (NodeTerms memory terms) {
        return _terms(nodeId);
    }

    /// @inheritdoc IGridRegistry
    function nodeAccount(uint256 nodeId) external view returns (address account, uint256 retiresAt) {
        Node storage self = _node(nodeId);
        return (self.account, _retiresAt(self));
    }

    /// @inheritdoc IGridRegistry
    function payoutAddressOf(uint256 farmId) external view returns (address) {
        return _farm(farmId).payoutAddress;
    }

    /// @inheritdoc IGridRegistry
    function pricesOf(uint256 pricingPolicyId) external view returns (Prices memory) {
        return _policy(pricingPolicyId).prices;
    }

    /// @inheritdoc IGridRegistry
    function pricingPolicy(uint256 pricingPolicyId) external view returns (PricingPolicy memory) {
        return _policy(pricingPolicyId);
    }

    /// @inheritdoc IGridRegistry
    function pricingPolicyCount() external view returns (uint256) {
        return _policyCount;
    }

    /// @inheritdoc IGridRegistry
    function farm(uint256 farmId) external view returns (FarmView memory) {
        return _farmView(farmId);
    }

    /// @inheritdoc IGridRegistry
    function farmOfName(string calldata name) external view returns (uint256 farmId) {
        return _farmOfName[FarmName.key(name)];
    }

    /// @inheritdoc IGridRegistry
    function farmCount() external view returns (uint256) {
        return _farmCount;
    }

    /// @inheritdoc IGridRegistry
    function farms(uint256 fromId, uint256 count) external view returns (FarmView[] memory page) {
        page = new FarmView[](fromId == 0 ? 0 : _pageLength(_farmCount, fromId - 1, count));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = _farmView(fromId + i);
        }
    }

    /// @inheritdoc IGridRegistry
    function farmsOfTwin(uint256 twinId, uint256 offset, uint256 count) external view returns (uint256[] memory) {
        return _page(_farmsOfTwin[twinId], offset, count);
    }

    /// @inheritdoc IGridRegistry
    function publicIps(
        uint256 farmId,
        uint256 offset,
        uint256 count
    ) external view returns (PublicIpView[] memory page) {
        PublicIps.Pool storage pool = _farm(farmId).publicIps;
        page = new PublicIpView[](_pageLength(pool.list.length, offset, count));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = pool.get(offset + i);
        }
    }

    /// @inheritdoc IGridRegistry
    function publicIpsOf(uint256 farmId, uint256 contractId) external view returns (PublicIp[] memory reserved) {
        PublicIps.Pool storage pool = _farm(farmId).publicIps;
        bytes16[] memory ips = pool.reserved[contractId];
        reserved = new PublicIp[](ips.length);
        for (uint256 i = 0; i < ips.length; i++) {
            reserved[i] = pool.withGateway(ips[i]);
        }
    }

    /// @inheritdoc IGridRegistry
    function node(uint256 nodeId) external view returns (NodeView memory) {
        return _nodeView(nodeId);
    }

    /// @inheritdoc IGridRegistry
    function nodeOfTwin(uint256 twinId) external view returns (uint256 nodeId) {
        return _nodeOfTwin[twinId];
    }

    /// @inheritdoc IGridRegistry
    function nodeCount() external view returns (uint256) {
        return _nodeCount;
    }

    /// @inheritdoc IGridRegistry
    function nodes(uint256 fromId, uint256 count) external view returns (NodeView[] memory page) {
        page = new NodeView[](fromId == 0 ? 0 : _pageLength(_nodeCount, fromId - 1, count));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = _nodeView(fromId + i);
        }
    }

    /// @inheritdoc IGridRegistry
    function nodesOfFarm(uint256 farmId, uint256 offset, uint256 count) external view returns (uint256[] memory) {
        return _page(_farm(farmId).nodeIds, offset, count);
    }

    /// @inheritdoc IGridRegistry
    function intervalSeconds() external view returns (uint256) {
        return INTERVAL_SECONDS;
    }

    /// @inheritdoc IGridRegistry
    function grid() external view returns (address) {
        return _grid;
    }

    function _createPolicy(PricingPolicy memory policy) private returns (uint256 pricingPolicyId) {
        uint256 percent = policy.prices.dedicationDiscountPercent;
        if (percent > MAX_PERCENT) revert GridRegistry_BadShares(MAX_PERCENT, percent);
        uint256 shares = uint256(policy.shares.farm) + policy.shares.treasury + policy.shares.burn;
        if (shares != ALL_SHARES) revert GridRegistry_BadShares(ALL_SHARES, shares);
        if (policy.shares.treasury != 0 && policy.treasury == address(0)) {
            revert GridRegistry_BadTreasury(policy.shares.treasury, policy.treasury);
        }
        pricingPolicyId = ++_policyCount;
        _policies[pricingPolicyId] = policy;
        emit PricingPolicyCreated(pricingPolicyId, msg.sender, policy);
    }

    /// @dev Signed by the farm's owner, unless that is the caller.
    function _requireConsent(
        uint256 farmId,
        uint256 twinId,
        Resources calldata resources,
        uint256 deadline,
        bytes calldata consent
    ) private {
        address owner = _farms[farmId].owner;
        if (msg.sender == owner) return;
        if (block.timestamp > deadline) revert GridRegistry_ConsentExpired(deadline, block.timestamp);
        bytes32 structHash = keccak256(
            abi.encode(
                CONSENT_TYPEHASH,
                farmId,
                twinId,
                resources.cru,
                resources.sru,
                resources.hru,
                resources.mru,
                _useNonce(msg.sender),
                deadline
            )
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(owner, _hashTypedDataV4(structHash), consent)) {
            revert GridRegistry_BadConsent(farmId, owner);
        }
    }

    function _callersTwin() private view returns (uint256 twinId) {
        twinId = TWINS.twinOf(msg.sender);
        if (twinId == 0) revert GridRegistry_NotATwin(msg.sender);
    }

    function _policy(uint256 pricingPolicyId) private view returns (PricingPolicy storage) {
        if (pricingPolicyId == 0) revert GridRegistry_UnknownPolicy(pricingPolicyId);
        _requirePolicyOrNone(pricingPolicyId);
        return _policies[pricingPolicyId];
    }

    function _requirePolicyOrNone(uint256 pricingPolicyId) private view {
        if (pricingPolicyId > _policyCount) revert GridRegistry_UnknownPolicy(pricingPolicyId);
    }

    function _farm(uint256 farmId) private view returns (Farm storage self) {
        self = _farms[farmId];
        if (self.owner == address(0)) revert GridRegistry_UnknownFarm(farmId);
    }

    function _ownFarm(uint256 farmId) private view returns (Farm storage self) {
        self = _farm(farmId);
        if (msg.sender != self.owner) revert GridRegistry_NotFarmOwner(farmId, self.owner, msg.sender);
    }

    function _node(uint256 nodeId) private view returns (Node storage self) {
        self = _nodes[nodeId];
        if (self.account == address(0)) revert GridRegistry_UnknownNode(nodeId);
    }

    function _ownNode(uint256 nodeId) private view returns (Node storage self) {
        self = _node(nodeId);
        if (msg.sender != self.account) revert GridRegistry_NotNodeTwin(nodeId, self.account, msg.sender);
    }

    function _nodeOfCaller(uint256 nodeId) private view returns (Node storage self) {
        self = _node(nodeId);
        if (msg.sender != self.account && msg.sender != _farms[self.farmId].owner) {
            revert GridRegistry_NotNodeOrFarm(nodeId, msg.sender);
        }
    }

    function _requireNotDeleted(uint256 nodeId, Node storage self) private view {
        if (self.retiresAt != 0) revert GridRegistry_NodeRetires(nodeId, self.retiresAt);
    }

    function _terms(uint256 nodeId) private view returns (NodeTerms memory) {
        Node storage self = _node(nodeId);
        _requireNotDeleted(nodeId, self);
        if (self.status != NodeStatus.Up) revert GridRegistry_NodeNotUp(nodeId);
        uint256 policyId = _policyIdOf(_farms[self.farmId]);
        if (policyId == 0) revert GridRegistry_FarmWithoutPolicy(self.farmId);
        return
            NodeTerms({
                farmId: self.farmId,
                pricingPolicyId: policyId,
                account: self.account,
                resources: self.resources
            });
    }

    function _policyIdOf(Farm storage self) private view returns (uint256 pricingPolicyId) {
        return block.timestamp < self.nextPolicyFrom ? self.policyId : self.nextPolicyId;
    }

    function _retiresAt(Node storage self) private view returns (uint256) {
        return self.retiresAt == 0 ? NEVER : self.retiresAt;
    }

    /// @dev Of the running interval, or of one that comes after it.
    function _endOfInterval(uint256 after_) private view returns (uint256) {
        return (block.timestamp / INTERVAL_SECONDS + 1 + after_) * INTERVAL_SECONDS;
    }

    function _farmView(uint256 farmId) private view returns (FarmView memory) {
        Farm storage self = _farm(farmId);
        return
            FarmView({
                farmId: farmId,
                name: self.name,
                twinId: self.twinId,
                owner: self.owner,
                payoutAddress: self.payoutAddress,
                pricingPolicyId: _policyIdOf(self),
                nextPolicyId: self.nextPolicyId,
                nextPolicyFrom: self.nextPolicyFrom,
                publicIpCount: self.publicIps.list.length,
                freePublicIpCount: self.publicIps.free
            });
    }

    function _nodeView(uint256 nodeId) private view returns (NodeView memory) {
        Node storage self = _node(nodeId);
        return
            NodeView({
                nodeId: nodeId,
                farmId: self.farmId,
                twinId: self.twinId,
                account: self.account,
                status: self.status,
                resources: self.resources,
                claimed: self.claimed,
                retiresAt: _retiresAt(self),
                location: self.location
            });
    }

    function _page(uint32[] storage ids, uint256 offset, uint256 count) private view returns (uint256[] memory page) {
        page = new uint256[](_pageLength(ids.length, offset, count));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = ids[offset + i];
        }
    }

    function _pageLength(uint256 total, uint256 offset, uint256 count) private pure returns (uint256) {
        return offset >= total ? 0 : Math.min(Math.min(count, MAX_PAGE), total - offset);
    }

    function _requireResources(Resources calldata resources) private pure {
        if (!resources.isMachine()) revert GridRegistry_BadResources(NodeResources.most(), resources);
    }

    function _requireLocation(Location calldata location) private pure {
        (bytes1 first, bytes1 second) = (location.country[0], location.country[1]);
        bool isCountry = first >= "A" && first <= "Z" && second >= "A" && second <= "Z";
        bool isPlace = _isWithin(location.latitude, MAX_LATITUDE) && _isWithin(location.longitude, MAX_LONGITUDE);
        if (!isCountry || !isPlace || bytes(location.city).length > MAX_CITY_BYTES) {
            revert GridRegistry_BadLocation(location);
        }
    }

    function _isWithin(int256 value, int256 max) private pure returns (bool) {
        return value >= -max && value <= max;
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert GridRegistry_BadSetting(name, min, max, actual);
    }
}
