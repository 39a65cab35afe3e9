// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Names of farms
library FarmName {
    /// @notice Characters of a name, at most.
    uint256 internal constant MAX_LENGTH = 40;

    uint8 private constant CASE_BIT = 0x20;

    /// @notice Whether it has 1 to MAX_LENGTH of the characters a to z, A to Z, 0 to 9, - and _.
    function isValid(string memory name) internal pure returns (bool) {
        bytes memory characters = bytes(name);
        if (characters.length == 0 || characters.length > MAX_LENGTH) return false;
        for (uint256 i = 0; i < characters.length; i++) {
            bytes1 one = characters[i];
            bool allowed = _isUpper(one) || (one >= "a" && one <= "z") || (one >= "0" && one <= "9");
            if (!allowed && one != "-" && one != "_") return false;
        }
        return true;
    }

    /// @notice Equal for names that differ in the case of their letters only: those are one name to a reader.
    function key(string memory name) internal pure returns (bytes32) {
        bytes memory lower = bytes.concat(bytes(name));
        for (uint256 i = 0; i < lower.length; i++) {
            if (_isUpper(lower[i])) lower[i] = bytes1(uint8(lower[i]) | CASE_BIT);
        }
        return keccak256(lower);
    }

    function _isUpper(bytes1 one) private pure returns (bool) {
        return one >= "A" && one <= "Z";
    }
}
