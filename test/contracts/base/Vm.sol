// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev The cheat codes that the tests use; Hardhat and Foundry both have them.
interface Vm {
    function sign(uint256 privateKey, bytes32 digest) external returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address sender) external;
    function deal(address account, uint256 balance) external;
    function roll(uint256 blockNumber) external;
    function warp(uint256 timestamp) external;
    function assume(bool condition) external pure;
}

/// @dev What every Solidity test stands on.
abstract contract SolidityTest {
    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Check_NotEqual(string what, uint256 expected, uint256 actual);
    error Check_Failed(string what);

    function _equal(uint256 actual, uint256 expected, string memory what) internal pure {
        if (actual != expected) revert Check_NotEqual(what, expected, actual);
    }

    function _check(bool condition, string memory what) internal pure {
        if (!condition) revert Check_Failed(what);
    }

    /// @dev Maps any number into [min, max].
    function _bound(uint256 value, uint256 min, uint256 max) internal pure returns (uint256) {
        return min + (value % (max - min + 1));
    }
}
