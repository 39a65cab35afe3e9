// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Labels of domain names
library DnsLabel {
    uint256 private constant MAX_LENGTH = 63;

    /// @notice Whether a name has 1 to 63 of the characters a to z, 0 to 9 and -, the first and last of them not -.
    /// Capitals are none: one name would have many forms.
    function isOne(string calldata name) internal pure returns (bool) {
        bytes calldata label = bytes(name);
        uint256 length = label.length;
        if (length == 0 || length > MAX_LENGTH) return false;
        if (label[0] == "-" || label[length - 1] == "-") return false;
        for (uint256 i = 0; i < length; i++) {
            bytes1 letter = label[i];
            bool isLetter = letter >= "a" && letter <= "z";
            bool isDigit = letter >= "0" && letter <= "9";
            if (!isLetter && !isDigit && letter != "-") return false;
        }
        return true;
    }
}
