// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FarmName} from "../../../contracts/libraries/FarmName.sol";
import {SolidityTest} from "../base/Vm.sol";

contract FarmNameTest is SolidityTest {
    bytes private constant ALLOWED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    function testEveryByteIsAllowedOrNot() external pure {
        for (uint256 i = 0; i < 256; i++) {
            bool allowed;
            for (uint256 j = 0; j < ALLOWED.length; j++) {
                if (uint8(ALLOWED[j]) == i) allowed = true;
            }
            bytes memory name = "a?b";
            name[1] = bytes1(uint8(i));
            _check(FarmName.isValid(string(name)) == allowed, "in the middle");
            _check(FarmName.isValid(string(bytes.concat(bytes1(uint8(i))))) == allowed, "alone");
        }
    }

    function testNamesHaveOneToFortyCharacters() external pure {
        bytes memory name = "0123456789012345678901234567890123456789";
        _check(!FarmName.isValid(""), "empty");
        _check(FarmName.isValid(string(name)), "forty");
        _check(!FarmName.isValid(string(bytes.concat(name, "a"))), "one more");
    }

    /// @dev Names have one key exactly if they are one word but for the case of letters.
    function testFuzzKeysAreThoseOfLowerCase(bytes calldata raw, bytes calldata other) external pure {
        bytes memory lower = bytes.concat(raw);
        for (uint256 i = 0; i < lower.length; i++) {
            if (lower[i] >= "A" && lower[i] <= "Z") lower[i] = bytes1(uint8(lower[i]) + 32);
        }
        _check(FarmName.key(string(raw)) == keccak256(lower), "the key");
        _check(FarmName.key(string(raw)) == FarmName.key(string(lower)), "whatever the case");
        bool isSame = keccak256(raw) == keccak256(other);
        _check(!isSame || FarmName.key(string(raw)) == FarmName.key(string(other)), "the same for the same");
    }

    function testEachLetterHasItsLowerCase() external pure {
        for (uint8 i = 0; i < 26; i++) {
            bytes memory upper = bytes.concat(bytes1(65 + i));
            bytes memory lower = bytes.concat(bytes1(97 + i));
            _check(FarmName.key(string(upper)) == FarmName.key(string(lower)), "a letter");
        }
        _check(FarmName.key("@") != FarmName.key("`"), "the sign before A");
        _check(FarmName.key("[") != FarmName.key("{"), "the sign after Z");
    }
}
