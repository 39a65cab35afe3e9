// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {AgreementAddress} from "../libraries/AgreementAddress.sol";
import {Ether} from "../libraries/Ether.sol";
import {WeightedDraw} from "../libraries/WeightedDraw.sol";
import {DrawRequest, DutyResult, TesterSettings, TesterView} from "../types/MarketTypes.sol";

/// @title Testers: who they are, what they stake, who is drawn, see {ITesterRegistry}
contract TesterRegistry is ITesterRegistry, ReentrancyGuardTransient {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;

    struct Tester {
        // Slot 0.
        address account;
        uint32 twinId;
        // Place in the list, counted from 1; 0 when it cannot be drawn.
        uint32 position;
        bool active;
        // Slot 1, all that a duty changes. `pastCapacity` is the largest capacity of the last SEED_REACH blocks before
        // `capacityChangedAt`. No overflow: 2^96 wei are more than there is, and 2^24 duties take a block each.
        uint16 capacity;
        uint16 duties;
        uint16 pastCapacity;
        uint40 capacityChangedAt;
        uint96 credit;
        uint24 revealed;
        uint24 missed;
        uint24 overturned;
        // Slot 2. `stake` holds what is set aside, DUTY_STAKE for each duty, and `unbonding`. It always covers the larger
        // of `capacity` and `pastCapacity`.
        uint128 stake;
        uint128 unbonding;
        // Slot 3.
        uint96 feePerEpoch;
        uint64 releaseBlock;
    }

    /// @notice Duties that a tester can take at once, at most.
    uint16 public constant MAX_CAPACITY = 4096;
    /// @notice Testers looked at in one draw, at most.
    uint256 public constant MAX_PROBES = 64;
    /// @notice A draw looks no further once it has this many eligible testers for each seat.
    uint256 public constant CANDIDATES_PER_SEAT = 3;
    /// @notice Testers returned by one call of `testers`, at most.
    uint256 public constant MAX_PAGE = 100;
    /// @notice Most blocks that stake can be made to wait.
    uint24 public constant MAX_UNBONDING_LENGTH = 1_000_000;
    /// @notice Most wei that a duty can be made to set aside.
    uint128 public constant MAX_DUTY_STAKE = 1_000_000 ether;

    /// @notice A miss costs this part of a duty's stake.
    uint256 public constant MISS_DIVISOR = 8;
    /// @notice The stake of a duty is at least this many fees: a panel has at most 15 testers, an epoch at most 20 workers
    /// whose outcomes it can overturn, and a miss comes on top: 300 / 400 + 1 / 8 < 1.
    uint256 public constant MIN_FEES_PER_DUTY_STAKE = 400;

    /// @dev Testers are counted by the power of two of their fee, relative to the highest: class k holds fees above
    /// max / 2^(k + 1) and up to max / 2^k, the last one all lower ones.
    uint256 private constant FEE_CLASSES = 16;
    uint256 private constant CLASS_BITS = 16;
    uint256 private constant CLASS_MASK = 0xffff;

    /// @dev BLOCKHASH reaches this far back, so no older seed is ever used.
    uint256 private constant SEED_REACH = 256;
    /// @dev A checkpoint holds the drawable stake above, the fee in the low 96 bits. No stake: cannot be drawn.
    uint256 private constant FEE_BITS = 96;

    ITwins private immutable TWINS;
    uint128 private immutable DUTY_STAKE;
    uint24 private immutable UNBONDING_LENGTH;

    address private _dispatcher;
    uint32 private _testerCount;
    address private _disputes;
    /// @dev Listed testers by class of fee, 16 bits each.
    uint256 private _classCounts;
    mapping(address account => uint256 testerId) private _testerOf;
    mapping(uint256 testerId => Tester) private _testers;
    /// @dev Drawable stake and fee over time.
    mapping(uint256 testerId => Checkpoints.Trace208) private _weights;
    /// @dev Who stood at a place of the list over time; places count from 1.
    mapping(uint256 position => Checkpoints.Trace208) private _positions;
    Checkpoints.Trace208 private _size;

    /// @dev An agreement proves itself by its number; appeals are trusted with every agreement's.
    modifier onlyAgreement(uint32 number) {
        if (msg.sender != _disputes && (number == 0 || msg.sender != AgreementAddress.compute(_dispatcher, number))) {
            revert TesterRegistry_NotAnAgreement(msg.sender);
        }
        _;
    }

    constructor(ITwins twins, TesterSettings memory settings_) {
        _checkSetting("twins", 1, type(uint256).max, address(twins).code.length);
        _checkSetting("dutyStake", MIN_FEES_PER_DUTY_STAKE, MAX_DUTY_STAKE, settings_.dutyStake);
        _checkSetting("unbondingLength", 1, MAX_UNBONDING_LENGTH, settings_.unbondingLength);
        TWINS = twins;
        DUTY_STAKE = settings_.dutyStake;
        UNBONDING_LENGTH = settings_.unbondingLength;
    }

    /// @inheritdoc ITesterRegistry
    function registerTester(uint96 feePerEpoch, uint16 capacity) external payable returns (uint256 testerId) {
        uint256 twinId = TWINS.twinOf(msg.sender);
        if (twinId == 0) revert TesterRegistry_NotATwin(msg.sender);
        testerId = _testerOf[msg.sender];
        if (testerId == 0) {
            testerId = ++_testerCount;
            _testerOf[msg.sender] = testerId;
        }
        Tester storage self = _testers[testerId];
        if (self.active) revert TesterRegistry_AlreadyRegistered(msg.sender, testerId);
        if (capacity == 0) revert TesterRegistry_BadCapacity(MAX_CAPACITY, capacity);

        self.account = msg.sender;
        self.twinId = twinId.toUint32();
        self.active = true;
        _setTerms(self, feePerEpoch, capacity);
        _refresh(testerId, self);
        emit TesterRegistered(testerId, msg.sender, feePerEpoch, capacity, self.stake - self.unbonding);
    }

    /// @inheritdoc ITesterRegistry
    function updateTester(uint96 feePerEpoch, uint16 capacity) external payable {
        (uint256 testerId, Tester storage self) = _activeTester();
        _setTerms(self, feePerEpoch, capacity);
        _refresh(testerId, self);
        emit TesterUpdated(testerId, feePerEpoch, capacity, self.stake - self.unbonding);
    }

    /// @inheritdoc ITesterRegistry
    function unregisterTester() external {
        (uint256 testerId, Tester storage self) = _activeTester();
        self.active = false;
        _setCapacity(self, 0);
        self.unbonding = self.stake;
        self.releaseBlock = (block.number + UNBONDING_LENGTH).toUint64();
        _refresh(testerId, self);
        emit TesterUnregistered(testerId);
        emit TesterStakeUnbonding(testerId, self.unbonding, self.releaseBlock);
    }

    /// @inheritdoc ITesterRegistry
    function unbondStake(uint128 amount) external {
        (uint256 testerId, Tester storage self) = _activeTester();
        uint256 committed = self.duties * DUTY_STAKE + self.unbonding;
        // Both can overlap: stake that is leaving is set aside, too, when a tester leaves while it has duties.
        uint256 free = self.stake > committed ? self.stake - committed : 0;
        if (amount > free) revert TesterRegistry_StakeNotFree(free, amount);
        self.unbonding += amount;
        _checkBacking(self);

        self.releaseBlock = (block.number + UNBONDING_LENGTH).toUint64();
        _refresh(testerId, self);
        emit TesterStakeUnbonding(testerId, amount, self.releaseBlock);
    }

    /// @inheritdoc ITesterRegistry
    function withdrawStake() external nonReentrant {
        uint256 testerId = _testerOf[msg.sender];
        Tester storage self = _testers[testerId];
        uint128 amount = uint128(Math.min(self.unbonding, self.stake - self.duties * DUTY_STAKE));
        if (amount == 0 || block.number < self.releaseBlock) {
            revert TesterRegistry_NothingToWithdraw(self.releaseBlock, amount);
        }
        self.unbonding -= amount;
        self.stake -= amount;
        _boundCapacities(self);
        emit TesterStakeWithdrawn(testerId, msg.sender, amount);
        Ether.send(msg.sender, amount);
    }

    /// @inheritdoc ITesterRegistry
    function withdrawFees() external nonReentrant returns (uint256 amount) {
        uint256 testerId = _testerOf[msg.sender];
        Tester storage self = _testers[testerId];
        amount = self.credit;
        if (amount == 0) revert TesterRegistry_NoFees(msg.sender);
        self.credit = 0;
        emit FeesWithdrawn(testerId, msg.sender, amount);
        Ether.send(msg.sender, amount);
    }

    /// @inheritdoc ITesterRegistry
    function attachDispatcher(address disputes) external {
        if (_dispatcher != address(0)) revert TesterRegistry_AlreadyAttached(_dispatcher);
        _dispatcher = msg.sender;
        _disputes = disputes;
        emit DispatcherAttached(msg.sender, disputes);
    }

    /// @inheritdoc ITesterRegistry
    function assign(
        DrawRequest calldata request
    ) external onlyAgreement(request.number) returns (uint32[] memory testerIds, uint256 excused) {
        if (msg.sender != _disputes && msg.sender != request.agreement) {
            revert TesterRegistry_NotAnAgreement(msg.sender);
        }
        testerIds = _draw(request);
        for (uint256 i = 0; i < testerIds.length; i++) {
            Tester storage self = _testers[testerIds[i]];
            if (_isFull(self, request.seedBlock)) excused |= 1 << i;
            else _addDuty(testerIds[i], self);
        }
    }

    /// @inheritdoc ITesterRegistry
    function takeDuty(uint32 number, uint256 testerId) external onlyAgreement(number) {
        Tester storage self = _testers[testerId];
        if (self.duties >= self.capacity) revert TesterRegistry_Full(testerId);
        _addDuty(testerId, self);
    }

    /// @inheritdoc ITesterRegistry
    function conclude(uint32 number, DutyResult[] calldata results) external payable onlyAgreement(number) {
        uint256 fees;
        uint256 burnt;
        for (uint256 i = 0; i < results.length; i++) {
            DutyResult calldata result = results[i];
            uint256 testerId = result.testerId;
            Tester storage self = _testers[testerId];
            bool wasFull = self.duties-- == self.capacity;
            if (result.reported) {
                self.revealed++;
                self.credit += uint96(result.fee);
                fees += result.fee;
            } else {
                self.missed++;
                if (!result.struck) {
                    uint256 penalty = _penalize(testerId, self, _missPenalty());
                    burnt += penalty;
                    emit DutyMissed(testerId, msg.sender, penalty);
                }
            }
            if (wasFull) _refresh(testerId, self);
        }
        if (fees != msg.value) revert TesterRegistry_BadValue(fees, msg.value);
        Ether.burn(burnt);
    }

    /// @inheritdoc ITesterRegistry
    function charge(
        address agreement,
        uint256 testerId,
        uint256 amount,
        bool overturned
    ) external onlyAgreement(0) returns (uint256 taken) {
        Tester storage self = _testers[testerId];
        if (overturned) self.overturned++;
        taken = _penalize(testerId, self, amount);
        emit TesterCharged(testerId, agreement, taken, overturned);
        Ether.send(msg.sender, taken);
    }

    /// @inheritdoc ITesterRegistry
    function draw(DrawRequest calldata request) external view returns (uint32[] memory testerIds) {
        return _draw(request);
    }

    /// @inheritdoc ITesterRegistry
    function missPenalty() external view returns (uint256) {
        return _missPenalty();
    }

    /// @inheritdoc ITesterRegistry
    function maxFeePerEpoch() external view returns (uint256) {
        return _maxFee();
    }

    /// @inheritdoc ITesterRegistry
    function dispatcher() external view returns (address) {
        return _dispatcher;
    }

    /// @inheritdoc ITesterRegistry
    function settings() external view returns (TesterSettings memory) {
        return TesterSettings({dutyStake: DUTY_STAKE, unbondingLength: UNBONDING_LENGTH});
    }

    /// @inheritdoc ITesterRegistry
    function testerCount() external view returns (uint256) {
        return _testerCount;
    }

    /// @inheritdoc ITesterRegistry
    function activeCount() external view returns (uint256) {
        return _size.latest();
    }

    /// @inheritdoc ITesterRegistry
    function availableFor(
        uint256 feePerEpoch,
        address[] calldata excluded
    ) external view returns (uint256 count) {
        uint256 dearest = _classOf(feePerEpoch);
        // The class of the fee itself may hold dearer testers, unless the fee is its upper end.
        if (feePerEpoch < _maxFee() >> dearest) dearest++;
        for (uint256 class = dearest; class < FEE_CLASSES; class++) {
            count += (_classCounts >> (class * CLASS_BITS)) & CLASS_MASK;
        }
        for (uint256 i = 0; i < excluded.length; i++) {
            uint256 testerId = _testerOf[excluded[i]];
            if (testerId == 0) continue;
            Tester storage self = _testers[testerId];
            if (self.position != 0 && _classOf(self.feePerEpoch) >= dearest) count--;
        }
    }

    /// @inheritdoc ITesterRegistry
    function testerOf(address account) external view returns (uint256 testerId) {
        return _testerOf[account];
    }

    /// @inheritdoc ITesterRegistry
    function accountOf(uint256 testerId) external view returns (address) {
        return _testers[testerId].account;
    }

    /// @inheritdoc ITesterRegistry
    function accountsOf(uint32[] calldata testerIds) external view returns (address[] memory accounts) {
        accounts = new address[](testerIds.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            accounts[i] = _testers[testerIds[i]].account;
        }
    }

    /// @inheritdoc ITesterRegistry
    function tester(uint256 testerId) external view returns (TesterView memory) {
        if (testerId == 0 || testerId > _testerCount) revert TesterRegistry_UnknownTester(testerId);
        return _view(testerId);
    }

    /// @inheritdoc ITesterRegistry
    function testers(uint256 fromId, uint256 count) external view returns (TesterView[] memory page) {
        uint256 last = _testerCount;
        if (fromId == 0 || fromId > last) return page;
        page = new TesterView[](Math.min(Math.min(count, MAX_PAGE), last - fromId + 1));
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = _view(fromId + i);
        }
    }

    /// @dev Adds the value sent, sets fee and capacity, and checks that the stake backs them.
    function _setTerms(Tester storage self, uint96 feePerEpoch, uint16 capacity) private {
        if (capacity > MAX_CAPACITY) revert TesterRegistry_BadCapacity(MAX_CAPACITY, capacity);
        if (feePerEpoch > _maxFee()) revert TesterRegistry_BadFee(_maxFee(), feePerEpoch);
        if (self.position != 0) _count(self.feePerEpoch, false);
        self.feePerEpoch = feePerEpoch;
        if (self.position != 0) _count(feePerEpoch, true);
        self.stake += msg.value.toUint128();
        _setCapacity(self, capacity);
        _checkBacking(self);
    }

    /// @dev Keeps the larger capacity in mind as long as an epoch could still be opened with a seed from before: a
    /// tester that has seen its draw cannot excuse itself by lowering its capacity.
    function _setCapacity(Tester storage self, uint16 capacity) private {
        bool recent = block.number <= self.capacityChangedAt + SEED_REACH;
        self.pastCapacity = recent ? uint16(Math.max(self.pastCapacity, self.capacity)) : self.capacity;
        self.capacityChangedAt = uint40(block.number);
        self.capacity = capacity;
    }

    /// @dev No more duties than the stake covers.
    function _boundCapacities(Tester storage self) private {
        uint256 bound = self.stake / DUTY_STAKE;
        if (self.pastCapacity > bound) self.pastCapacity = uint16(bound);
        bound = (self.stake - self.unbonding) / DUTY_STAKE;
        if (self.capacity > bound) self.capacity = uint16(bound);
    }

    function _addDuty(uint256 testerId, Tester storage self) private {
        if (++self.duties == self.capacity) _refresh(testerId, self);
    }

    /// @dev Takes stake; what is unbonding goes first, so that it cannot run away, and capacity follows.
    function _penalize(uint256 testerId, Tester storage self, uint256 amount) private returns (uint256 taken) {
        taken = Math.min(amount, self.stake);
        self.stake -= uint128(taken);
        if (self.unbonding > self.stake) self.unbonding = self.stake;
        _boundCapacities(self);
        _refresh(testerId, self);
    }

    function _checkBacking(Tester storage self) private view {
        uint256 required = uint256(self.capacity) * DUTY_STAKE;
        uint256 backing = self.stake - self.unbonding;
        if (backing < required) revert TesterRegistry_StakeTooLow(required, backing);
    }

    /// @dev Brings list and checkpoint in line with the tester after any change.
    function _refresh(uint256 testerId, Tester storage self) private {
        bool listed = self.active && self.capacity != 0;
        if (listed != (self.position != 0)) {
            _count(self.feePerEpoch, listed);
            if (listed) _append(testerId, self);
            else _remove(self);
        }

        bool drawable = listed && self.duties < self.capacity;
        uint256 weight = drawable ? self.stake - self.unbonding : 0;
        _weights[testerId].push(block.number.toUint48(), ((weight << FEE_BITS) | self.feePerEpoch).toUint208());
    }

    function _append(uint256 testerId, Tester storage self) private {
        uint256 position = _size.latest() + 1;
        self.position = position.toUint32();
        _positions[position].push(block.number.toUint48(), testerId.toUint208());
        _size.push(block.number.toUint48(), position.toUint208());
    }

    /// @dev The last one in the list takes the free place.
    function _remove(Tester storage self) private {
        uint256 last = _size.latest();
        uint256 position = self.position;
        if (position != last) {
            uint208 moved = _positions[last].latest();
            _testers[moved].position = position.toUint32();
            _positions[position].push(block.number.toUint48(), moved);
        }
        self.position = 0;
        _size.push(block.number.toUint48(), (last - 1).toUint208());
    }

    /// @dev One tester more or less in the class of this fee. 2^16 of a class: their stakes would be more than a market
    /// ever sees; beyond them a registration fails.
    function _count(uint256 feePerEpoch, bool more) private {
        uint256 one = 1 << (_classOf(feePerEpoch) * CLASS_BITS);
        if (more && (_classCounts / one) & CLASS_MASK == CLASS_MASK) revert TesterRegistry_ClassFull(feePerEpoch);
        _classCounts = more ? _classCounts + one : _classCounts - one;
    }

    function _classOf(uint256 feePerEpoch) private view returns (uint256 class) {
        uint256 highest = _maxFee();
        if (feePerEpoch == 0) return FEE_CLASSES - 1;
        while (class < FEE_CLASSES - 1 && feePerEpoch <= highest >> (class + 1)) {
            class++;
        }
    }

    function _maxFee() private view returns (uint256) {
        return DUTY_STAKE / MIN_FEES_PER_DUTY_STAKE;
    }

    function _missPenalty() private view returns (uint256) {
        return DUTY_STAKE / MISS_DIVISOR;
    }

    /// @dev Full at opening time. What the tester itself changed since the seed block does not count.
    function _isFull(Tester storage self, uint256 seedBlock) private view returns (bool) {
        uint256 capacity = self.capacity;
        if (self.capacityChangedAt >= seedBlock) capacity = Math.max(capacity, self.pastCapacity);
        return self.duties >= capacity;
    }

    /// @dev Looks at testers in a random order until there are CANDIDATES_PER_SEAT for each seat, then draws among
    /// them by stake. Reads only blockhash(S) and state as of S - 1, and accounts, which never change.
    function _draw(DrawRequest calldata request) private view returns (uint32[] memory testerIds) {
        bytes32 seed = keccak256(
            abi.encode(blockhash(request.seedBlock), request.agreement, request.epoch, request.round)
        );
        uint256 wanted = request.testerCount * CANDIDATES_PER_SEAT;
        uint256[] memory ids = new uint256[](wanted);
        uint256[] memory weights = new uint256[](wanted);
        uint256 found = _collect(seed, request, ids, weights);

        WeightedDraw.draw(keccak256(abi.encode(seed, "seats")), ids, weights, found, request.testerCount);
        testerIds = new uint32[](Math.min(found, request.testerCount));
        for (uint256 i = 0; i < testerIds.length; i++) {
            testerIds[i] = ids[i].toUint32();
        }
    }

    /// @dev Walks a random permutation of the list (Fisher and Yates, the swaps kept in memory), at most MAX_PROBES.
    function _collect(
        bytes32 seed,
        DrawRequest calldata request,
        uint256[] memory ids,
        uint256[] memory weights
    ) private view returns (uint256 found) {
        uint48 asOf = (request.seedBlock - 1).toUint48();
        uint256 size = _size.upperLookupRecent(asOf);
        uint256 probes = Math.min(size, MAX_PROBES);
        uint256[] memory swapped = new uint256[](probes);
        uint256[] memory places = new uint256[](probes);
        for (uint256 i = 0; i < probes && found < ids.length; i++) {
            uint256 j = i + (uint256(keccak256(abi.encode(seed, i))) % (size - i));
            places[i] = j;
            swapped[i] = _placeAt(places, swapped, i, i);
            uint256 testerId = _positions[_placeAt(places, swapped, j, i) + 1].upperLookupRecent(asOf);
            uint256 value = _weights[testerId].upperLookupRecent(asOf);
            if (_eligible(testerId, value, request)) {
                ids[found] = testerId;
                weights[found] = value >> FEE_BITS;
                found++;
            }
        }
    }

    /// @dev What stands at `place` after `steps` swaps; the newest swap that touched it counts.
    function _placeAt(
        uint256[] memory places,
        uint256[] memory swapped,
        uint256 place,
        uint256 steps
    ) private pure returns (uint256) {
        for (uint256 i = steps; i > 0; i--) {
            if (places[i - 1] == place) return swapped[i - 1];
        }
        return place;
    }

    function _eligible(uint256 testerId, uint256 value, DrawRequest calldata request) private view returns (bool) {
        if (value >> FEE_BITS == 0 || uint96(value) > request.feePerEpoch) return false;
        address account = _testers[testerId].account;
        for (uint256 i = 0; i < request.excluded.length; i++) {
            if (request.excluded[i] == account) return false;
        }
        return true;
    }

    function _activeTester() private view returns (uint256 testerId, Tester storage self) {
        testerId = _testerOf[msg.sender];
        self = _testers[testerId];
        if (!self.active) revert TesterRegistry_NotRegistered(msg.sender);
    }

    function _view(uint256 testerId) private view returns (TesterView memory) {
        Tester storage self = _testers[testerId];
        return
            TesterView({
                testerId: testerId,
                account: self.account,
                twinId: self.twinId,
                active: self.active,
                feePerEpoch: self.feePerEpoch,
                capacity: self.capacity,
                duties: self.duties,
                stake: self.stake,
                setAside: uint128(self.duties * DUTY_STAKE),
                unbonding: self.unbonding,
                releaseBlock: self.releaseBlock,
                credit: self.credit,
                revealed: self.revealed,
                missed: self.missed,
                overturned: self.overturned
            });
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert TesterRegistry_BadSetting(name, min, max, actual);
    }
}
