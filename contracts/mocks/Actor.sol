// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title An account with a mind of its own, for tests: it acts as its caller says and takes ether as it was told
contract Actor {
    enum Mood {
        Accept,
        Refuse,
        // Calls `target` with `data` whenever ether arrives, and lets the outcome stand in `reentered`.
        Reenter
    }

    Mood private _mood;
    address private _target;
    bytes private _data;
    /// @notice Whether the last reentrant call went through.
    bool public reentered;
    /// @notice How often ether arrived while reentering.
    uint256 public attempts;

    error Actor_Refused();

    receive() external payable {
        if (_mood == Mood.Refuse) revert Actor_Refused();
        if (_mood == Mood.Reenter) {
            attempts++;
            (reentered, ) = _target.call(_data);
        }
    }

    function setMood(Mood mood, address target, bytes calldata data) external {
        _mood = mood;
        _target = target;
        _data = data;
    }

    function act(address target, uint256 value, bytes calldata data) external payable returns (bytes memory result) {
        bool ok;
        (ok, result) = target.call{value: value}(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }
}
