// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An ERC-20 token that does what a test tells it, well or badly
contract ScriptedToken is ERC20 {
    enum Mood {
        Honest,
        // Keeps a tenth of each transfer.
        TakeFee,
        // Says that it moved something, and does not.
        Pretend,
        // Moves more than it was asked for.
        Overdo,
        Refuse,
        // Calls `target` with `data` before it moves anything.
        Reenter
    }

    Mood private _mood;
    address private _target;
    bytes private _data;
    /// @notice Whether the last reentrant call went through.
    bool public reentered;

    error ScriptedToken_Refused();

    constructor() ERC20("Scripted", "SCR") {}

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function setMood(Mood mood, address target, bytes calldata data) external {
        (_mood, _target, _data) = (mood, target, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0)) return super._update(from, to, amount);
        if (_mood == Mood.Refuse) revert ScriptedToken_Refused();
        if (_mood == Mood.Pretend) return;
        if (_mood == Mood.Reenter) (reentered, ) = _target.call(_data);
        super._update(from, to, _mood == Mood.TakeFee ? amount - amount / 10 : amount);
        if (_mood == Mood.Overdo) _mint(to, amount);
    }
}
