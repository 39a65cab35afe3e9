// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WeightedDraw} from "../../../contracts/libraries/WeightedDraw.sol";
import {SolidityTest} from "../base/Vm.sol";

contract WeightedDrawTest is SolidityTest {
    /// @dev A draw is a permutation: nobody is lost, nobody doubled, weights stay with their ids.
    function testFuzzDrawKeepsEverybody(bytes32 seed, uint8 rawSize, uint8 rawCount) external pure {
        uint256 size = _bound(rawSize, 1, 60);
        uint256 count = _bound(rawCount, 0, 70);
        uint256[] memory ids = new uint256[](60);
        uint256[] memory weights = new uint256[](60);
        for (uint256 i = 0; i < size; i++) {
            ids[i] = i + 1;
            weights[i] = 1 + (uint256(keccak256(abi.encode(seed, "w", i))) >> 140);
        }
        WeightedDraw.draw(seed, ids, weights, size, count);
        uint256 seen;
        for (uint256 i = 0; i < size; i++) {
            _check(seen & (1 << ids[i]) == 0, "an id stands once");
            seen |= 1 << ids[i];
            _equal(weights[i], 1 + (uint256(keccak256(abi.encode(seed, "w", ids[i] - 1))) >> 140), "its weight");
        }
        _equal(seen, (1 << (size + 1)) - 2, "all ids are there");
    }

    /// @dev 9 of 10 by weight is drawn about 9 times in 10: 2,000 draws, 1,800 expected, standard deviation 13.4.
    function testDrawFollowsWeights() external pure {
        uint256 heavy;
        for (uint256 round = 0; round < 2_000; round++) {
            uint256[] memory ids = new uint256[](2);
            uint256[] memory weights = new uint256[](2);
            (ids[0], ids[1]) = (1, 2);
            (weights[0], weights[1]) = (1 ether, 9 ether);
            WeightedDraw.draw(keccak256(abi.encode(round)), ids, weights, 2, 1);
            if (ids[0] == 2) heavy++;
        }
        _check(heavy > 1_720 && heavy < 1_880, "the heavy one's share");
    }
}
