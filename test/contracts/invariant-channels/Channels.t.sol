// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MemberView, SettledHead} from "../../../contracts/types/ChannelTypes.sol";
import {SolidityTest} from "../base/Vm.sol";
import {ChannelHandler} from "./ChannelHandler.sol";
import {ChannelModel} from "./ChannelModel.sol";

/// @dev The channels' invariants C1, C2 and C4, as far as they are on chain, after any sequence of actions, against a model of
/// what the nodes would hold. One function, because the runner plays the same sequences again for each.
contract ChannelInvariants is SolidityTest {
    /// @dev As the runner wants it.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev Of the scripted game.
    uint256 private constant ROUNDS = 40;

    ChannelHandler private _handler;

    function setUp() external {
        _handler = new ChannelHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _steps());
    }

    function invariantC1C2AndC4() public view {
        bytes32 wrong = _handler.wrong();
        _check(wrong == 0, string(abi.encodePacked(wrong)));
        uint256 reserved;
        for (uint256 channel = 1; channel <= _handler.CHANNELS(); channel++) {
            ChannelModel.Book memory book = _handler.bookOf(channel);
            _c1Settled(channel, book);
            _c2Replayed(channel, book);
            reserved += _c4Vault(channel);
        }
        _c4Pool(reserved);
    }

    /// @dev An invariant over nothing proves nothing: everything happens within some rounds.
    function testPlayReachesEverything() external {
        bytes4[] memory steps = _steps();
        for (uint256 i = 0; i < ROUNDS; i++) {
            for (uint256 step = 0; step < steps.length; step++) {
                uint256 seed = uint256(keccak256(abi.encode(i, step)));
                (bool ok, ) = address(_handler).call(abi.encodeWithSelector(steps[step], seed));
                _check(ok, "a step");
            }
            invariantC1C2AndC4();
        }
        bytes32[13] memory all = [
            bytes32("join"),
            "leave",
            "close",
            "settle",
            "execute",
            "accuse",
            "vote",
            "punish",
            "claim",
            "withdrawStake",
            "deposit",
            "unbond",
            "withdraw"
        ];
        for (uint256 i = 0; i < all.length; i++) {
            _check(_handler.happened(all[i]) != 0, string(abi.encodePacked("never happened: ", all[i])));
        }
    }

    /// @dev C1: settlements chain: what is final is what the last one that was final said, and begins where that ended.
    function _c1Settled(uint256 channel, ChannelModel.Book memory book) private view {
        SettledHead memory head = _handler.hub().headOf(channel);
        _equal(head.height, book.height, "C1: height");
        _equal(head.inboxCursor, book.cursor, "C1: cursor");
        _check(_handler.hub().channelOf(channel).closed == book.closed, "C1: closed");
    }

    /// @dev C2: the settled state is the replayed one.
    function _c2Replayed(uint256 channel, ChannelModel.Book memory book) private view {
        for (uint256 actor = 0; actor < _handler.ACTORS(); actor++) {
            address account = _handler.actors(actor);
            for (uint256 asset = 0; asset < 2; asset++) {
                bytes32 key = _handler.assetKey(asset);
                _equal(_handler.storeOf(channel).ownedOf(account, key), book.ledger.owned[actor][asset], "C2: owned");
                _equal(_handler.storeOf(channel).exitsOf(account, key), book.ledger.exits[actor][asset], "C2: exits");
            }
        }
    }

    /// @dev C4: a vault has to the wei what it owes: assets that came and did not go, stakes, and what is free of them.
    /// @return reserved What members of the channel have in the pool.
    function _c4Vault(uint256 channel) private view returns (uint256 reserved) {
        uint256 owed = _handler.hub().assetOf(channel, _handler.assetKey(0)).amount;
        for (uint256 actor = 0; actor < _handler.ACTORS(); actor++) {
            address account = _handler.actors(actor);
            owed += _handler.hub().creditOf(channel, account);
            MemberView memory member = _handler.hub().memberOf(channel, account);
            uint256 reservation = _handler.pool().reservationOf(account, channel);
            if (member.stakeSource == address(0)) owed += member.stakeWei;
            else _equal(reservation, member.stakeWei, "C4: reservation");
            reserved += reservation;
        }
        address vault = _handler.vaultOf(channel);
        _equal(vault.balance, owed, "C4: ether of the vault");
        uint256 tokens = _handler.hub().assetOf(channel, _handler.assetKey(1)).amount;
        _equal(_handler.token().balanceOf(vault), tokens, "C4: tokens of the vault");
        _equal(address(_handler.hub()).balance, 0, "C4: the hub has nothing");
    }

    /// @dev C4: the pool has to the wei what is free, reserved and on its way out.
    function _c4Pool(uint256 reserved) private view {
        (uint256 owed, uint256 all) = (0, 0);
        for (uint256 actor = 0; actor < _handler.ACTORS(); actor++) {
            address account = _handler.actors(actor);
            (uint256 unbonding, ) = _handler.pool().unbondingOf(account);
            uint256 reservedOf = _handler.pool().reservedOf(account);
            owed += _handler.pool().freeOf(account) + reservedOf + unbonding;
            all += reservedOf;
        }
        _equal(all, reserved, "C4: reservations");
        _equal(address(_handler.pool()).balance, owed, "C4: ether of the pool");
    }

    function _steps() private view returns (bytes4[] memory steps) {
        steps = new bytes4[](10);
        steps[0] = _handler.join.selector;
        steps[1] = _handler.depart.selector;
        steps[2] = _handler.close.selector;
        steps[3] = _handler.settle.selector;
        steps[4] = _handler.execute.selector;
        steps[5] = _handler.punish.selector;
        steps[6] = _handler.claim.selector;
        steps[7] = _handler.withdrawStake.selector;
        steps[8] = _handler.usePool.selector;
        steps[9] = _handler.warp.selector;
    }
}
