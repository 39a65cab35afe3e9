// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SolidityTest} from "../base/Vm.sol";
import {ExitHandler} from "./ExitHandler.sol";

/// @dev The invariant C5, and C4 with it: after whatever happened to a channel, one member leaves alone, whoever lies, with what
/// it owns at the last certified state and its stake less its fines, to the wei; and so does everybody else then.
contract ChannelExitInvariants is SolidityTest {
    /// @dev As the runner wants it.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint256 private constant TRIES = 60;
    uint256 private constant MEMBERS = 4;
    /// @dev An exit after each step would take too long.
    uint256 private constant SELDOM = 6;

    ExitHandler private _handler;

    function setUp() external {
        _handler = new ExitHandler();
        for (uint256 i = 0; i < MEMBERS; i++) _handler.join(i);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](11);
        steps[0] = _handler.join.selector;
        steps[1] = _handler.depart.selector;
        steps[2] = _handler.play.selector;
        steps[3] = _handler.settle.selector;
        steps[4] = _handler.execute.selector;
        steps[5] = _handler.steal.selector;
        steps[6] = _handler.demand.selector;
        steps[7] = _handler.convict.selector;
        steps[8] = _handler.withdrawStake.selector;
        steps[9] = _handler.claim.selector;
        steps[10] = _handler.warp.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), steps);
    }

    /// @dev What it does is undone after it.
    function invariantC5EverybodyCanLeaveAlone() external {
        _checkNothingWrong();
        uint256 seed = _handler.roll();
        if (seed % SELDOM == 0) _leaveAlone(seed);
    }

    /// @dev It proves nothing by what never happens: each action does what it is for, in a channel of five.
    function testExitsReachEverything() external {
        _until("settle");
        _until("demand");
        VM.warp(block.timestamp + 10 minutes);
        _until("execute");
        _until("convict");
        _handler.join(4);
        _handler.play(1);
        _until("steal");
        _until("resolve");
        _until("leave");
        _leaveAlone(1);
        bytes32[7] memory all = [
            bytes32("answer"),
            "freeze",
            "bring",
            "bring a lie",
            "conclude",
            "claimByProof",
            "withdrawStake"
        ];
        for (uint256 i = 0; i < all.length; i++) {
            _check(_handler.happened(all[i]) != 0, string(abi.encodePacked("never happened: ", all[i])));
        }
    }

    /// @dev Tries until it happens.
    function _until(bytes32 what) private {
        for (uint256 i = 0; i < TRIES && _handler.happened(what) == 0; i++) {
            uint256 seed = uint256(keccak256(abi.encode(what, i)));
            if (what == "settle") _handler.play(seed);
            if (what == "settle") _handler.settle(seed);
            else if (what == "demand") _handler.demand(seed);
            else if (what == "execute") _handler.execute(seed);
            else if (what == "steal" || what == "resolve") _handler.steal(seed);
            else if (what == "leave") _handler.depart(seed);
            else _handler.convict(seed);
        }
        _checkNothingWrong();
        _check(_handler.happened(what) != 0, string(abi.encodePacked("never happened: ", what)));
    }

    function _leaveAlone(uint256 seed) private {
        uint256 actors = _handler.ACTORS();
        uint256 first = seed % actors;
        bool left;
        for (uint256 i = 0; i < actors && !left; i++) left = _handler.exitAlone(first + i);
        _checkNothingWrong();
        if (!left) return;
        for (uint256 i = 0; i < actors; i++) _handler.takeAll(i);
        _checkNothingWrong();
        _checkC4();
    }

    /// @dev C4: all assets are out, and what is left of the ether are the fines that nobody has a claim to.
    function _checkC4() private view {
        uint256 channel = _handler.CHANNEL();
        address vault = _handler.vaultOf(channel);
        for (uint256 asset = 0; asset < 2; asset++) {
            _equal(_handler.hub().assetOf(channel, _handler.assetKey(asset)).amount, 0, "C4: assets");
        }
        _equal(_handler.token().balanceOf(vault), 0, "C4: tokens of the vault");
        uint256 rest = _handler.burntWei() + _handler.hub().creditOf(channel, address(_handler));
        _equal(vault.balance, rest, "C4: ether of the vault");
    }

    function _checkNothingWrong() private view {
        bytes32 wrong = _handler.wrong();
        _check(wrong == 0, string(abi.encodePacked(wrong)));
    }
}
