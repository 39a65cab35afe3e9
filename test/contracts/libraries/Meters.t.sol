// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Meter, Meters} from "../../../contracts/libraries/Meters.sol";
import {SolidityTest} from "../base/Vm.sol";

contract MetersTest is SolidityTest {
    /// @dev Each field keeps all of its bits, whatever stands beside it.
    function testFuzzWhatIsPackedIsUnpacked(uint56 rate, uint96 index, uint32 reportedAt, uint32 lapse) external pure {
        _checkFields(rate, index, reportedAt, lapse);
        _checkFields(type(uint56).max, index, reportedAt, lapse);
        _checkFields(rate, type(uint96).max, reportedAt, lapse);
        _checkFields(rate, index, type(uint32).max, lapse);
        _checkFields(rate, index, reportedAt, type(uint32).max);
    }

    function _checkFields(uint256 rate, uint256 index, uint256 reportedAt, uint256 lapse) private pure {
        uint256 word = Meters.pack(rate, index, reportedAt, lapse);
        Meter memory meter = Meters.unpack(word);
        _equal(meter.rate, rate, "rate");
        _equal(meter.index, index, "index");
        _equal(meter.reportedAt, reportedAt, "reportedAt");
        _equal(meter.lapse, lapse, "lapse");
        _equal(Meters.pack(meter), word, "the same word");
    }
}
