package testbed.mongo;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;

import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** One client connection: commands as OP_MSG with a single body section (MongoDB Wire Protocol, "OP_MSG"). */
final class Connection implements AutoCloseable {

    private static final int OP_MSG = 2013;
    private static final int HEADER_BYTES = 16;
    /** Flags and the kind of the first section. */
    private static final int PREFIX_BYTES = 5;
    private static final int TIMEOUT_MILLIS = 60_000;

    private final Socket socket;
    private int requests;

    Connection(String host, int port) throws IOException {
        socket = new Socket();
        socket.connect(new InetSocketAddress(host, port), TIMEOUT_MILLIS);
        socket.setSoTimeout(TIMEOUT_MILLIS);
    }

    Document run(String database, Document command) throws IOException {
        ByteBuf message = Unpooled.buffer();
        message.writeIntLE(0).writeIntLE(++requests).writeIntLE(0).writeIntLE(OP_MSG);
        message.writeIntLE(0).writeByte(0);
        Document body = new Document(command);
        body.put("$db", database);
        BsonEncoder.encodeDocument(body, message);
        message.setIntLE(0, message.writerIndex());
        message.readBytes(socket.getOutputStream(), message.readableBytes());

        DataInputStream in = new DataInputStream(socket.getInputStream());
        byte[] header = new byte[HEADER_BYTES];
        in.readFully(header);
        int length = Unpooled.wrappedBuffer(header).readIntLE();
        byte[] answer = new byte[length - HEADER_BYTES];
        in.readFully(answer);
        return BsonDecoder.decodeBson(Unpooled.wrappedBuffer(answer).skipBytes(PREFIX_BYTES));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
