// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AgreementAddress} from "../../../contracts/libraries/AgreementAddress.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev The smallest contract that can be made, as agreements are by their dispatcher.
contract Creator {
    function create() external returns (address made) {
        // Returns no code: made, but empty.
        bytes memory code = hex"60006000f3";
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
    }
}

contract AgreementAddressTest is SolidityTest {
    /// @dev Beyond one byte, where the encoding of a number changes.
    uint256 private constant CREATIONS = 300;

    /// @dev Against the chain itself: the n-th creation stands where it is said to.
    function testFollowsRealCreations() external {
        Creator creator = new Creator();
        for (uint32 number = 1; number <= CREATIONS; number++) {
            address made = creator.create();
            _check(made != address(0), "made");
            _check(AgreementAddress.compute(address(creator), number) == made, "where it stands");
        }
    }

    /// @dev Against RLP written out byte by byte, for numbers of any size.
    function testFuzzFollowsRlp(address dispatcher, uint32 rawNumber, uint8 shift) external pure {
        uint32 number = uint32((rawNumber | 0x80000000) >> (shift % 32));
        bytes memory digits;
        for (uint32 rest = number; rest != 0; rest >>= 8) {
            digits = bytes.concat(bytes1(uint8(rest)), digits);
        }
        if (number >= 0x80) digits = bytes.concat(bytes1(uint8(0x80 + digits.length)), digits);
        bytes memory list = bytes.concat(hex"94", bytes20(dispatcher), digits);
        bytes32 hash = keccak256(bytes.concat(bytes1(uint8(0xc0 + list.length)), list));
        _check(AgreementAddress.compute(dispatcher, number) == address(uint160(uint256(hash))), "rlp");
    }
}
