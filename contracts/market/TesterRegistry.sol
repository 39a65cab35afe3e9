// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {AgreementAddress} from "../libraries/AgreementAddress.sol";
import {BlockHistory} from "../libraries/BlockHistory.sol";
import {Duties} from "../libraries/Duties.sol";
import {Ether} from "../libraries/Ether.sol";
import {Lists} from "../libraries/Lists.sol";
import {WeightedDraw} from "../libraries/WeightedDraw.sol";
import {DrawRequest, TesterSettings, TesterView} from "../types/MarketTypes.sol";

/// @title Testers: who they are, what they stake, who is drawn, see {ITesterRegistry}
contract TesterRegistry is ITesterRegistry, ReentrancyGuardTransient {
    using BlockHistory for BlockHistory.History;
    using Duties for uint256;
    using SafeCast for uint256;

    /// @dev All that a duty changes, in one slot. `pastCapacity` is the largest capacity of the last SEED_REACH blocks
    /// before `capacityChangedAt`. No overflow: 2^96 wei are more than there is, and 2^24 duties fill years of blocks.
    struct Record {
        uint16 capacity;
        uint16 duties;
        uint16 pastCapacity;
        uint40 capacityChangedAt;
        uint96 credit;
        uint24 revealed;
        uint24 missed;
        uint24 overturned;
    }

    struct Tester {
        // Slot 0.
        address account;
        uint32 twinId;
        // Place in the list, counted from 1; 0 when it cannot be drawn.
        uint32 position;
        bool active;
        // Slot 1.
        Record record;
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
    uint256 private constant ID_BITS = 32;

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
    mapping(uint256 testerId => BlockHistory.History) private _weights;
    /// @dev Who stood at a place of the list over time, its account above its id; places count from 1.
    mapping(uint256 position => BlockHistory.History) private _positions;
    BlockHistory.History private _size;

    /// @dev An agreement proves itself by its number; appeals are trusted with every agreement's.
    modifier onlyAgreement(uint32 number) {
        bool known = number != 0 && msg.sender == AgreementAddress.compute(_dispatcher, number);
        if (!known && msg.sender != _disputes) revert TesterRegistry_NotAnAgreement(msg.sender);
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
        uint256 committed = self.record.duties * DUTY_STAKE + self.unbonding;
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
        uint128 amount = uint128(Math.min(self.unbonding, self.stake - self.record.duties * DUTY_STAKE));
        if (amount == 0 || block.number < self.releaseBlock) {
            revert TesterRegistry_NothingToWithdraw(self.releaseBlock, amount);
        }
        self.unbonding -= amount;
        self.stake -= amount;
        _boundCapacities(self);
        emit TesterStakeWithdrawn(testerId, msg.sender, amount);
        Ether.pay(msg.sender, amount);
    }

    /// @inheritdoc ITesterRegistry
    function withdrawFees() external nonReentrant returns (uint256 amount) {
        uint256 testerId = _testerOf[msg.sender];
        Tester storage self = _testers[testerId];
        amount = self.record.credit;
        if (amount == 0) revert TesterRegistry_NoFees(msg.sender);
        self.record.credit = 0;
        emit FeesWithdrawn(testerId, msg.sender, amount);
        Ether.pay(msg.sender, amount);
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
    ) external onlyAgreement(request.number) returns (uint256[] memory drawn, uint256 excused) {
        if (msg.sender != request.agreement && msg.sender != _disputes) {
            revert TesterRegistry_NotAnAgreement(msg.sender);
        }
        drawn = _draw(request);
        for (uint256 i = 0; i < drawn.length; i++) {
            uint256 testerId = uint32(drawn[i]);
            Tester storage self = _testers[testerId];
            if (_isFull(self, request.seedBlock)) excused |= 1 << i;
            else _addDuty(testerId, self);
        }
    }

    /// @inheritdoc ITesterRegistry
    function takeDuty(uint32 number, uint256 testerId) external onlyAgreement(number) {
        Tester storage self = _testers[testerId];
        if (self.record.duties >= self.record.capacity) revert TesterRegistry_Full(testerId);
        _addDuty(testerId, self);
    }

    /// @inheritdoc ITesterRegistry
    function conclude(uint32 number, uint256 fee, uint256[] calldata duties) external payable onlyAgreement(number) {
        uint256 reports;
        uint256 burnt;
        for (uint256 i = 0; i < duties.length; i++) {
            uint256 duty = duties[i];
            uint256 testerId = duty.testerIdOf();
            Tester storage self = _testers[testerId];
            Record memory record = self.record;
            bool wasFull = record.duties-- == record.capacity;
            if (duty.isReported()) {
                record.revealed++;
                record.credit += uint96(fee);
                reports++;
            } else {
                record.missed++;
            }
            self.record = record;
            if (!duty.isReported() && !duty.isStruck()) {
                uint256 penalty = _penalize(testerId, self, _missPenalty());
                burnt += penalty;
                emit DutyMissed(testerId, msg.sender, penalty);
            } else if (wasFull) {
                _refresh(testerId, self);
            }
        }
        if (reports * fee != msg.value) revert TesterRegistry_BadValue(reports * fee, msg.value);
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
        if (overturned) self.record.overturned++;
        taken = _penalize(testerId, self, amount);
        emit TesterCharged(testerId, agreement, taken, overturned);
        Ether.pay(msg.sender, taken);
    }

    /// @inheritdoc ITesterRegistry
    function draw(DrawRequest calldata request) external view returns (address[] memory accounts) {
        uint256[] memory drawn = _draw(request);
        accounts = new address[](drawn.length);
        for (uint256 i = 0; i < drawn.length; i++) {
            accounts[i] = address(uint160(drawn[i] >> ID_BITS));
        }
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
    function availableFor(uint256 feePerEpoch, address[] calldata excluded) external view returns (uint256 count) {
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
        bool recent = block.number <= self.record.capacityChangedAt + SEED_REACH;
        self.record.pastCapacity =
            recent ? uint16(Math.max(self.record.pastCapacity, self.record.capacity)) : self.record.capacity;
        self.record.capacityChangedAt = uint40(block.number);
        self.record.capacity = capacity;
    }

    /// @dev No more duties than the stake covers.
    function _boundCapacities(Tester storage self) private {
        uint256 bound = self.stake / DUTY_STAKE;
        if (self.record.pastCapacity > bound) self.record.pastCapacity = uint16(bound);
        bound = (self.stake - self.unbonding) / DUTY_STAKE;
        if (self.record.capacity > bound) self.record.capacity = uint16(bound);
    }

    function _addDuty(uint256 testerId, Tester storage self) private {
        if (++self.record.duties == self.record.capacity) _refresh(testerId, self);
    }

    /// @dev Takes stake, what is unbonding last; capacity follows.
    function _penalize(uint256 testerId, Tester storage self, uint256 amount) private returns (uint256 taken) {
        taken = Math.min(amount, self.stake);
        self.stake -= uint128(taken);
        if (self.unbonding > self.stake) self.unbonding = self.stake;
        _boundCapacities(self);
        _refresh(testerId, self);
    }

    function _checkBacking(Tester storage self) private view {
        uint256 required = uint256(self.record.capacity) * DUTY_STAKE;
        uint256 backing = self.stake - self.unbonding;
        if (backing < required) revert TesterRegistry_StakeTooLow(required, backing);
    }

    /// @dev Brings list and checkpoint in line with the tester after any change.
    function _refresh(uint256 testerId, Tester storage self) private {
        bool listed = self.active && self.record.capacity != 0;
        if (listed != (self.position != 0)) {
            _count(self.feePerEpoch, listed);
            if (listed) _append(testerId, self);
            else _remove(self);
        }

        bool drawable = listed && self.record.duties < self.record.capacity;
        uint256 weight = drawable ? self.stake - self.unbonding : 0;
        _weights[testerId].set((weight << FEE_BITS) | self.feePerEpoch);
    }

    function _append(uint256 testerId, Tester storage self) private {
        uint256 position = _size.latest() + 1;
        self.position = position.toUint32();
        _positions[position].set((uint256(uint160(self.account)) << ID_BITS) | testerId);
        _size.set(position);
    }

    /// @dev The last one in the list takes the free place.
    function _remove(Tester storage self) private {
        uint256 last = _size.latest();
        uint256 position = self.position;
        if (position != last) {
            uint256 moved = _positions[last].latest();
            _testers[uint32(moved)].position = position.toUint32();
            _positions[position].set(moved);
        }
        self.position = 0;
        _size.set(last - 1);
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
        uint256 capacity = self.record.capacity;
        if (self.record.capacityChangedAt >= seedBlock) capacity = Math.max(capacity, self.record.pastCapacity);
        return self.record.duties >= capacity;
    }

    /// @dev Looks at testers in a random order until there are CANDIDATES_PER_SEAT for each seat, then draws among
    /// them by stake. Reads only blockhash(S) and state as of S - 1, and accounts, which never change.
    function _draw(DrawRequest calldata request) private view returns (uint256[] memory drawn) {
        bytes32 seed = keccak256(
            abi.encode(blockhash(request.seedBlock), request.agreement, request.epoch, request.round)
        );
        uint256 wanted = request.testerCount * CANDIDATES_PER_SEAT;
        drawn = new uint256[](wanted);
        uint256[] memory weights = new uint256[](wanted);
        uint256 found = _collect(seed, request, drawn, weights);

        WeightedDraw.draw(keccak256(abi.encode(seed, "seats")), drawn, weights, found, request.testerCount);
        Lists.shorten(drawn, Math.min(found, request.testerCount));
    }

    /// @dev Walks a random permutation of the list (Fisher and Yates, the swaps kept in memory), at most MAX_PROBES.
    function _collect(
        bytes32 seed,
        DrawRequest calldata request,
        uint256[] memory entries,
        uint256[] memory weights
    ) private view returns (uint256 found) {
        uint256 asOf = request.seedBlock - 1;
        uint256 size = _size.asOf(asOf);
        uint256 probes = Math.min(size, MAX_PROBES);
        uint256[] memory swapped = new uint256[](probes);
        uint256[] memory places = new uint256[](probes);
        for (uint256 i = 0; i < probes && found < entries.length; i++) {
            uint256 j = i + (uint256(keccak256(abi.encode(seed, i))) % (size - i));
            places[i] = j;
            swapped[i] = _placeAt(places, swapped, i, i);
            uint256 entry = _positions[_placeAt(places, swapped, j, i) + 1].asOf(asOf);
            if (_isExcluded(address(uint160(entry >> ID_BITS)), request.excluded)) continue;
            uint256 value = _weights[uint32(entry)].asOf(asOf);
            if (value >> FEE_BITS == 0 || uint96(value) > request.feePerEpoch) continue;
            entries[found] = entry;
            weights[found] = value >> FEE_BITS;
            found++;
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

    function _isExcluded(address account, address[] calldata excluded) private pure returns (bool) {
        for (uint256 i = 0; i < excluded.length; i++) {
            if (excluded[i] == account) return true;
        }
        return false;
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
                capacity: self.record.capacity,
                duties: self.record.duties,
                stake: self.stake,
                setAside: uint128(self.record.duties * DUTY_STAKE),
                unbonding: self.unbonding,
                releaseBlock: self.releaseBlock,
                credit: self.record.credit,
                revealed: self.record.revealed,
                missed: self.record.missed,
                overturned: self.record.overturned
            });
    }

    function _checkSetting(bytes32 name, uint256 min, uint256 max, uint256 actual) private pure {
        if (actual < min || actual > max) revert TesterRegistry_BadSetting(name, min, max, actual);
    }
}
