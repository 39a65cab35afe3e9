// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {IGridRegistry} from "../interfaces/IGridRegistry.sol";
import {IPriceBook} from "../interfaces/IPriceBook.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {Billing} from "../libraries/Billing.sol";
import {Ether} from "../libraries/Ether.sol";
import {Moment} from "../libraries/Moments.sol";
import {Live, UserStreams} from "../libraries/UserStreams.sol";
import {AccountView} from "../types/GridContractTypes.sol";
import {GridState} from "../types/GridState.sol";
import {Price} from "../types/GridTypes.sol";

/// @title Money of the grid: what users have, and what is earned, see {IGridContracts}
abstract contract GridAccounts is IGridContracts, ReentrancyGuardTransient {
    using UserStreams for Live;

    ITwins public immutable TWINS;
    IGridRegistry public immutable REGISTRY;
    IPriceBook public immutable PRICES;
    /// @notice Length of the registry's intervals.
    uint256 public immutable INTERVAL_SECONDS;
    /// @notice How long the contracts of a user are kept that is out of funds.
    uint256 public immutable GRACE_SECONDS;
    /// @notice Percent of their price that reported contracts cost meanwhile.
    uint256 public immutable GRACE_SHARE;

    uint256 private constant MAX_GRACE_SECONDS = 365 days;
    uint256 private constant PERCENT = 100;
    uint256 private constant NEVER = type(uint40).max;

    GridState internal _state;

    constructor(ITwins twins_, IGridRegistry registry_, IPriceBook prices_, uint256 graceSeconds, uint256 graceShare) {
        if (graceSeconds == 0 || graceSeconds > MAX_GRACE_SECONDS) {
            revert GridContracts_BadSetting("graceSeconds", 1, MAX_GRACE_SECONDS, graceSeconds);
        }
        if (graceShare > PERCENT) revert GridContracts_BadSetting("graceShare", 0, PERCENT, graceShare);
        (TWINS, REGISTRY, PRICES) = (twins_, registry_, prices_);
        INTERVAL_SECONDS = registry_.intervalSeconds();
        (GRACE_SECONDS, GRACE_SHARE) = (graceSeconds, graceShare);
    }

    /// @inheritdoc IGridContracts
    function deposit() external payable {
        uint256 twinId = _callerTwin();
        Moment memory moment = _touch();
        Live memory live = UserStreams.settleAt(_state.streams[twinId], twinId, moment);
        live.balance += msg.value << Billing.GRAIN_BITS;
        emit Deposited(twinId, msg.value);
        live.tryRecover(moment);
        live.save(_state.streams[twinId]);
    }

    /// @inheritdoc IGridContracts
    function withdraw(uint256 amount) external nonReentrant {
        uint256 twinId = _callerTwin();
        Moment memory moment = _touch();
        Live memory live = UserStreams.settleAt(_state.streams[twinId], twinId, moment);
        uint256 available = live.balance >> Billing.GRAIN_BITS;
        if (amount > available) revert GridContracts_BalanceTooLow(amount, available);
        live.balance -= amount << Billing.GRAIN_BITS;
        live.lower(moment);
        live.save(_state.streams[twinId]);
        emit Withdrawn(twinId, msg.sender, amount);
        Ether.pay(msg.sender, amount);
    }

    /// @inheritdoc IGridContracts
    function settleUser(uint256 twinId) external {
        Live memory live = UserStreams.settleAt(_state.streams[twinId], twinId, _touch());
        live.save(_state.streams[twinId]);
    }

    /// @inheritdoc IGridContracts
    function withdrawRevenue(uint256 farmId) external nonReentrant returns (uint256 amount) {
        (amount, _state.revenue[farmId]) = _whole(_state.revenue[farmId]);
        address account = REGISTRY.payoutAddressOf(farmId);
        emit RevenueWithdrawn(farmId, account, amount);
        Ether.pay(account, amount);
    }

    /// @inheritdoc IGridContracts
    function withdrawTreasury() external nonReentrant returns (uint256 amount) {
        (amount, _state.treasuries[msg.sender]) = _whole(_state.treasuries[msg.sender]);
        emit TreasuryWithdrawn(msg.sender, amount);
        Ether.pay(msg.sender, amount);
    }

    /// @inheritdoc IGridContracts
    function burn() external nonReentrant returns (uint256 amount) {
        (amount, _state.unburnt) = _whole(_state.unburnt);
        emit Burnt(amount);
        Ether.burn(amount);
    }

    /// @inheritdoc IGridContracts
    function accountOf(uint256 twinId) external view returns (AccountView memory account) {
        Moment memory moment = _peek();
        Live memory live = UserStreams.loadAt(_state.streams[twinId], twinId, moment);
        account.balance = live.balance >> Billing.GRAIN_BITS;
        account.balanceGrains = live.balance;
        (account.nodeRate, account.nameRate) = (live.nodeRate(), live.steadyRate());
        account.grainsPerSecond = live.weight(moment) * moment.price;
        account.isInGrace = live.level == UserStreams.IN_GRACE;
        if (account.isInGrace) {
            account.fundedUntil = live.depletedAt;
            account.graceUntil = live.depletedAt + moment.graceSeconds;
            account.recoveryCost = live.missing(moment);
            return account;
        }
        account.discountPercent = live.level;
        account.fundedUntil = NEVER;
        if (account.grainsPerSecond != 0) {
            uint256 end = moment.time + live.balance / account.grainsPerSecond;
            if (end < NEVER) account.fundedUntil = end;
        }
    }

    /// @inheritdoc IGridContracts
    function revenueOf(uint256 farmId) external view returns (uint256 grains) {
        return _state.revenue[farmId];
    }

    /// @inheritdoc IGridContracts
    function treasuryOf(address treasury) external view returns (uint256 grains) {
        return _state.treasuries[treasury];
    }

    /// @inheritdoc IGridContracts
    function unburnt() external view returns (uint256 grains) {
        return _state.unburnt;
    }

    /// @dev Now, at the feed's price if there is a good one.
    function _touch() internal returns (Moment memory) {
        return _momentAt(PRICES.touch());
    }

    /// @dev As `_touch`, for who only looks.
    function _peek() internal view returns (Moment memory) {
        return _momentAt(PRICES.peek());
    }

    function _callerTwin() internal view returns (uint256 twinId) {
        twinId = TWINS.twinOf(msg.sender);
        if (twinId == 0) revert GridContracts_NotATwin(msg.sender);
    }

    function _momentAt(Price memory price) private view returns (Moment memory) {
        return
            Moment({
                registry: REGISTRY,
                book: PRICES,
                time: block.timestamp,
                price: price.price,
                sum: price.sum,
                changedAt: price.changedAt,
                fresh: price.fresh,
                interval: INTERVAL_SECONDS,
                graceSeconds: GRACE_SECONDS,
                graceShare: GRACE_SHARE
            });
    }

    /// @return amount The whole wei in some grains.
    /// @return rest What stays.
    function _whole(uint256 grains) private pure returns (uint256 amount, uint256 rest) {
        amount = grains >> Billing.GRAIN_BITS;
        if (amount == 0) revert GridContracts_NothingToWithdraw();
        rest = grains - (amount << Billing.GRAIN_BITS);
    }
}
